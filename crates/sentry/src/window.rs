//! The size of a window whose terminal went to somebody else: nobody sends the runtime SIGWINCH for it. Pid 1 of the sandbox has
//! the terminal as its controlling one, hears of changes, and tells the sentry over a pipe.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{getpid, getsid, ioctl_tiocsctty, setsid};

use crate::boot::Document;
use crate::failure::{Failure, Trying};

/// `SIGWINCH`.
const RESIZED: i32 = 28;

/// The pipe, for a container that needs one: what the sentry reads, and what pid 1 writes to.
pub(crate) fn pipe(document: &Document) -> Result<Option<(OwnedFd, OwnedFd)>, Failure> {
    if !document.container.process.console.watch {
        return Ok(None);
    }
    pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).trying("make a pipe").map(Some)
}

/// Makes a terminal of the host the controlling one of the calling process's session, which it leads from then on. Changes of the window
/// are then told to its process group.
///
/// # Errors
/// Those of setsid(2) and `TIOCSCTTY`: the process leads a group of others, or the terminal has a session.
pub fn take_terminal(terminal: &OwnedFd) -> rustix::io::Result<()> {
    if getsid(None)? != getpid() {
        setsid()?;
    }
    ioctl_tiocsctty(terminal)
}

/// What pid 1 has.
pub(crate) struct Window {
    signals: OwnedFd,
    sentry: OwnedFd,
}

impl Window {
    /// Makes a terminal of the host the calling process's own.
    pub(crate) fn watch(terminal: &OwnedFd, sentry: OwnedFd) -> Result<Self, Failure> {
        let signals = host::signals::divert(&[RESIZED]).trying("divert a signal")?;
        take_terminal(terminal).trying("watch the size of the terminal")?;
        Ok(Self { signals, sentry })
    }

    /// Tells the sentry of changes.
    pub(crate) fn pass_on(&self) {
        while let Ok(Some(_)) = host::signals::next(&self.signals) {
            // A full pipe says it already.
            let _ = rustix::io::write(&self.sentry, &[0]);
        }
    }
}

impl AsFd for Window {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }
}

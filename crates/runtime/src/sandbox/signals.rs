//! Signals that a runtime in the foreground passes on to its container.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use host::signals::{Diverted, divert};
use sentry::control::{Recipients, Request};

use crate::error::{Error, Trying};

/// All that a user, a shell or a service manager may send. Left out are those that stop or kill whatever is done, those that tell a program
/// of its own faults, SIGCHLD and SIGPIPE, which are about us, and those of a background job's access to its terminal.
const FORWARDED: &[i32] = &[
    1,  // SIGHUP
    2,  // SIGINT
    3,  // SIGQUIT
    10, // SIGUSR1
    12, // SIGUSR2
    14, // SIGALRM
    15, // SIGTERM
    18, // SIGCONT
    20, // SIGTSTP
    23, // SIGURG
    26, // SIGVTALRM
    28, // SIGWINCH
    29, // SIGIO
    30, // SIGPWR
];

/// Signals that also mean something for background access to the terminal; blocked, so that modes can be restored from there.
const BLOCKED: &[i32] = &[22]; // SIGTTOU

const SIGCONT: i32 = 18;

/// The signals, while they are diverted.
#[derive(Debug)]
pub(crate) struct Forwarded {
    source: OwnedFd,
}

impl Forwarded {
    /// Diverts them from now on.
    pub(crate) fn divert() -> Result<Self, Error> {
        divert(BLOCKED).trying("block signals")?;
        Ok(Self { source: divert(FORWARDED).trying("divert signals")? })
    }

    /// None: signals do to this process what they always do.
    pub(crate) fn none() -> Result<Self, Error> {
        Ok(Self { source: divert(&[]).trying("divert no signals")? })
    }

    /// The next one, as what to ask of the sentry.
    pub(crate) fn next(&self) -> Result<Option<Request>, Error> {
        let signal = host::signals::next(&self.source).trying("read a signal")?;
        Ok(signal.map(|Diverted { number, from_kernel }| Request::Signal {
            number,
            // The terminal's own signals go to all of its foreground group; and so does what wakes it.
            to: if from_kernel || number == SIGCONT { Recipients::Foreground } else { Recipients::Process },
        }))
    }
}

impl AsFd for Forwarded {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }
}

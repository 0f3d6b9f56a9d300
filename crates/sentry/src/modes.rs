//! The modes of the caller's terminal, put back for a runtime that was killed before it could do so itself.

use std::os::fd::{AsFd, BorrowedFd};

use abi::ioctl::{TCGETS2, TCSETS2};

/// The size of Linux's `struct termios2`, in bytes.
const SIZE: usize = 44;
/// `SIGTTOU`.
const OUTPUT_IN_THE_BACKGROUND: i32 = 22;

/// What tcgetattr(3) tells of a terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Modes([u8; SIZE]);

impl Modes {
    /// Notes those of a terminal. Nothing for what is none.
    pub(crate) fn of(terminal: BorrowedFd<'_>) -> Option<Self> {
        let mut modes = [0; SIZE];
        host::terminal::structure(terminal, TCGETS2, &mut modes).ok()?;
        Some(Self(modes))
    }

    /// Puts them back. A terminal that is gone needs none.
    pub(crate) fn put_back(mut self, terminal: BorrowedFd<'_>) {
        let _ = host::terminal::structure(terminal, TCSETS2, &mut self.0);
    }
}

/// The terminal among the standard descriptors of pid 1, which are those of the runtime.
pub(crate) struct Standard {
    found: Option<(BorrowedFd<'static>, Modes)>,
}

impl Standard {
    /// Notes its modes, before the runtime changes them.
    pub(crate) fn note() -> Self {
        let standard = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
        Self { found: standard.into_iter().find_map(|fd| Some((fd, Modes::of(fd)?))) }
    }

    /// The shell that the runtime was started from may be in the foreground again when they are put back: that is no reason to be stopped.
    pub(crate) fn go_on_in_the_background(&self) {
        if self.found.is_some() {
            // Kept for the rest of the process's life.
            match host::signals::divert(&[OUTPUT_IN_THE_BACKGROUND]) {
                Ok(diverted) => std::mem::forget(diverted),
                Err(error) => tracing::warn!("the terminal's modes may not be put back: {error}"),
            }
        }
    }

    /// Puts them back.
    pub(crate) fn put_back(&self) {
        if let Some((terminal, modes)) = &self.found {
            modes.put_back(terminal.as_fd());
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

    use super::*;

    #[test]
    fn modes_are_put_back() {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let master = openpt(flags).unwrap();
        grantpt(&master).and_then(|()| unlockpt(&master)).unwrap();
        let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
        let before = Modes::of(slave.as_fd()).unwrap();
        let canonical = || tcgetattr(&slave).unwrap().local_modes.contains(LocalModes::ICANON);
        let mut raw = tcgetattr(&slave).unwrap();
        raw.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &raw).unwrap();
        assert!(!canonical());
        before.put_back(slave.as_fd());
        assert!(canonical());
        let (reading, _writing) = rustix::pipe::pipe().unwrap();
        assert!(Modes::of(reading.as_fd()).is_none());
    }
}

//! The caller's terminal: its modes are put back if the guest could not do it itself.

use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcsetattr};

/// The modes that the terminal had when the container was started, if standard input, output or error is one.
#[derive(Debug)]
pub(crate) struct Modes {
    saved: Option<(usize, Termios)>,
}

const STANDARD: [fn() -> std::os::fd::BorrowedFd<'static>; 3] =
    [|| rustix::stdio::stdin(), || rustix::stdio::stdout(), || rustix::stdio::stderr()];

impl Modes {
    /// Notes them.
    pub(crate) fn save() -> Self {
        let terminal = STANDARD.iter().position(|fd| isatty(fd()));
        let modes = terminal.and_then(|at| Some((at, tcgetattr(STANDARD.get(at)?()).ok()?)));
        Self { saved: modes }
    }

    /// Puts them back. A terminal that is gone needs none.
    pub(crate) fn restore(&self) {
        if let Some((at, modes)) = &self.saved
            && let Some(fd) = STANDARD.get(*at)
        {
            let _ = tcsetattr(fd(), OptionalActions::Drain, modes);
        }
    }
}

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
        self.set(Termios::clone);
    }

    fn set(&self, modes: impl FnOnce(&Termios) -> Termios) {
        if let Some((at, saved)) = &self.saved
            && let Some(fd) = STANDARD.get(*at)
        {
            let _ = tcsetattr(fd(), OptionalActions::Drain, &modes(saved));
        }
    }
}

/// The caller's terminal passes everything on to a process with a terminal of its own, until this is dropped.
#[derive(Debug)]
pub(crate) struct Raw(Modes);

impl Raw {
    /// Puts it into raw mode.
    pub(crate) fn start() -> Self {
        let modes = Modes::save();
        modes.set(|saved| {
            let mut raw = saved.clone();
            raw.make_raw();
            raw
        });
        Self(modes)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.0.restore();
    }
}

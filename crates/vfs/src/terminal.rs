//! What sessions and system calls know of a terminal, whether it is one of the host or a pseudoterminal of the sandbox.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use abi::Errno;
use abi::signal::Signal;

use crate::{Credentials, Device, File, OpenFlags};

/// A terminal, unique in the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TerminalId {
    /// One of the host, by the number that the sandbox gave its inode.
    Host(u64),
    /// A pseudoterminal of the sandbox, by a number that no other one ever had.
    Pseudo(u64),
}

/// A terminal.
pub trait Terminal: Send + Sync + Any {
    /// Which.
    fn id(&self) -> TerminalId;

    /// Its device number.
    fn device(&self) -> Device;

    /// Whether background processes must not write to it (`TOSTOP` of termios(3)).
    fn stops_background_output(&self) -> bool;

    /// When a read of it is complete.
    fn read_rule(&self) -> ReadRule;

    /// vhangup(2): takes it from everybody who has it open. The host's terminals stay with who started the sandbox.
    fn hang_up(&self) {}

    /// Opens it anew, for /dev/tty.
    ///
    /// # Errors
    /// `EIO` if its other side is gone, and those of open(2).
    fn open(&self, flags: OpenFlags, credentials: &Credentials) -> Result<Arc<dyn File>, Errno>;
}

/// Who is behind terminals: sessions and their process groups. The kernel implements it; terminals hold no lock when they call it.
pub trait Sessions: Send + Sync {
    /// Sends a signal to the foreground process group of the session that has the terminal, if one has.
    fn signal_foreground(&self, terminal: TerminalId, signal: Signal);

    /// The terminal is gone: its session has none any more, and its leader hears of it.
    fn hung_up(&self, terminal: TerminalId);
}

/// When a read of a terminal is complete, if not at once: what `VMIN` and `VTIME` of termios(3) say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRule {
    /// After so many bytes, unless fewer were asked for.
    pub minimum: usize,
    /// Without a first byte in this time, it ends with nothing.
    pub first: Option<Duration>,
    /// Without another byte in this time after the last, it ends with what there is.
    pub between: Option<Duration>,
}

/// The unit of `VTIME`.
const TENTH: Duration = Duration::from_millis(100);

impl ReadRule {
    /// What comes first ends the read.
    pub const AT_ONCE: Self = Self { minimum: 1, first: None, between: None };

    /// The rule of a terminal that reads by lines or not, with these `VMIN` and `VTIME`.
    #[must_use]
    pub fn of(lines: bool, minimum: u8, time: u8) -> Self {
        let time = TENTH * u32::from(time);
        match (lines, minimum) {
            (true, _) => Self::AT_ONCE,
            (false, 0) => Self { first: Some(time), ..Self::AT_ONCE },
            (false, minimum) => Self {
                minimum: usize::from(minimum),
                first: None,
                between: Some(time).filter(|time| !time.is_zero()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_cases_of_the_manual() {
        let tenths = |n: u64| Some(Duration::from_millis(100 * n));
        assert_eq!(ReadRule::of(true, 5, 5), ReadRule::AT_ONCE);
        assert_eq!(ReadRule::of(false, 0, 0), ReadRule { minimum: 1, first: tenths(0), between: None });
        assert_eq!(ReadRule::of(false, 0, 3), ReadRule { minimum: 1, first: tenths(3), between: None });
        assert_eq!(ReadRule::of(false, 4, 0), ReadRule { minimum: 4, first: None, between: None });
        assert_eq!(ReadRule::of(false, 4, 2), ReadRule { minimum: 4, first: None, between: tenths(2) });
    }
}

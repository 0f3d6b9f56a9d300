//! Signal numbers.

use core::fmt;

use crate::Errno;

/// A signal: 1 to 64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(u8);

macro_rules! signals {
    ($($name:ident = $number:literal;)*) => {
        #[expect(missing_docs, reason = "the signals of signal(7) by their names")]
        impl Signal {
            $(pub const $name: Self = Self($number);)*

            /// The name of a standard signal.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 { $($number => Some(stringify!($name)),)* _ => None }
            }
        }
    };
}

signals! {
    SIGHUP = 1;
    SIGINT = 2;
    SIGQUIT = 3;
    SIGILL = 4;
    SIGTRAP = 5;
    SIGABRT = 6;
    SIGBUS = 7;
    SIGFPE = 8;
    SIGKILL = 9;
    SIGUSR1 = 10;
    SIGSEGV = 11;
    SIGUSR2 = 12;
    SIGPIPE = 13;
    SIGALRM = 14;
    SIGTERM = 15;
    SIGSTKFLT = 16;
    SIGCHLD = 17;
    SIGCONT = 18;
    SIGSTOP = 19;
    SIGTSTP = 20;
    SIGTTIN = 21;
    SIGTTOU = 22;
    SIGURG = 23;
    SIGXCPU = 24;
    SIGXFSZ = 25;
    SIGVTALRM = 26;
    SIGPROF = 27;
    SIGWINCH = 28;
    SIGIO = 29;
    SIGPWR = 30;
    SIGSYS = 31;
}

impl Signal {
    /// The first real-time signal, as the kernel counts them.
    pub const RTMIN: Self = Self(32);
    /// The last signal.
    pub const MAX: Self = Self(64);

    /// The signal of this number.
    ///
    /// # Errors
    /// `EINVAL` for anything but 1 to 64.
    pub const fn new(number: i32) -> Result<Self, Errno> {
        match number {
            1..=64 => Ok(Self(number.to_le_bytes()[0])),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The signal of this number, or none for 0, as kill(2) and `exit_signal` understand it.
    ///
    /// # Errors
    /// `EINVAL` for anything but 0 to 64.
    pub const fn optional(number: i32) -> Result<Option<Self>, Errno> {
        match number {
            0 => Ok(None),
            _ => match Self::new(number) {
                Ok(signal) => Ok(Some(signal)),
                Err(errno) => Err(errno),
            },
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0 as i32
    }

    /// Its place in a table of all signals: 0 to 63.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize - 1
    }

    /// Whether it is a real-time signal: each instance is queued, in order.
    #[must_use]
    pub const fn is_realtime(self) -> bool {
        self.0 >= Self::RTMIN.0
    }

    /// Whether neither handler nor mask can keep it off: SIGKILL and SIGSTOP.
    #[must_use]
    pub const fn is_unblockable(self) -> bool {
        matches!(self, Self::SIGKILL | Self::SIGSTOP)
    }

    /// Whether it stops a process by default.
    #[must_use]
    pub const fn stops(self) -> bool {
        matches!(self, Self::SIGSTOP | Self::SIGTSTP | Self::SIGTTIN | Self::SIGTTOU)
    }

    /// All signals, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=Self::MAX.0).map(Self)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "SIGRT_{}", self.0 - Self::RTMIN.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

//! How a process ended.

/// The way a thread group ended, as wait(2) tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// By exit(2), with the low eight bits of its argument.
    Exited(u8),
    /// By a signal.
    Signaled {
        /// Which.
        signal: u8,
        /// Whether a core dump was written.
        core_dumped: bool,
    },
}

impl ExitStatus {
    /// Killed by SIGKILL.
    pub const KILLED: Self = Self::Signaled { signal: 9, core_dumped: false };

    /// The status word of wait(2).
    #[must_use]
    pub const fn to_wait_status(self) -> i32 {
        match self {
            Self::Exited(code) => (code as i32) << 8,
            Self::Signaled { signal, core_dumped } => {
                (signal as i32 & 0x7f) | if core_dumped { 0x80 } else { 0 }
            }
        }
    }

    /// `si_code` of the SIGCHLD that tells of it: `CLD_EXITED`, `CLD_KILLED` or `CLD_DUMPED`.
    #[must_use]
    pub const fn child_code(self) -> i32 {
        match self {
            Self::Exited(_) => 1,
            Self::Signaled { core_dumped: false, .. } => 2,
            Self::Signaled { core_dumped: true, .. } => 3,
        }
    }

    /// `si_status` of that SIGCHLD: the exit code or the signal.
    #[must_use]
    pub const fn child_status(self) -> i32 {
        match self {
            Self::Exited(code) => code as i32,
            Self::Signaled { signal, .. } => signal as i32,
        }
    }

    /// What a shell shows: the code, or 128 and the signal.
    #[must_use]
    pub const fn to_shell_code(self) -> u8 {
        match self {
            Self::Exited(code) => code,
            Self::Signaled { signal, .. } => 128_u8.wrapping_add(signal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_words_are_those_of_wait() {
        assert_eq!(ExitStatus::Exited(3).to_wait_status(), 0x300);
        assert_eq!(ExitStatus::KILLED.to_wait_status(), 9);
        assert_eq!(ExitStatus::Signaled { signal: 11, core_dumped: true }.to_wait_status(), 0x8b);
    }
}

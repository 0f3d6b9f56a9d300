//! What a filter can say of a call.

/// A filter's result, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The process dies of SIGSYS. Results that are none count as this one.
    KillProcess,
    /// The thread ends; the last one takes the process with it.
    KillThread,
    /// SIGSYS, with this number in it.
    Trap(u16),
    /// The call fails with this number.
    Errno(u16),
    /// Whoever listens decides. Nobody does: listeners are not offered.
    Notify,
    /// A tracer decides.
    Trace(u16),
    /// It is carried out, and noted.
    Log,
    /// It is carried out.
    Allow,
}

const KILL_PROCESS: u32 = 0x8000_0000;
const KILL_THREAD: u32 = 0;
const TRAP: u32 = 0x0003_0000;
const ERRNO: u32 = 0x0005_0000;
const USER_NOTIF: u32 = 0x7fc0_0000;
const TRACE: u32 = 0x7ff0_0000;
const LOG: u32 = 0x7ffc_0000;
pub(super) const ALLOW: u32 = 0x7fff_0000;
const ACTION: u32 = 0xffff_0000;

/// The names of actions that are carried out, as in `/proc/sys/kernel/seccomp/actions_avail`, strictest first, with their numbers.
pub const ACTIONS: &[(&str, u32)] = &[
    ("kill_process", KILL_PROCESS),
    ("kill_thread", KILL_THREAD),
    ("trap", TRAP),
    ("errno", ERRNO),
    ("trace", TRACE),
    ("log", LOG),
    ("allow", ALLOW),
];

impl Action {
    /// What a result means.
    #[must_use]
    pub fn of(result: u32) -> Self {
        let [low, high, ..] = result.to_le_bytes();
        let data = u16::from_le_bytes([low, high]);
        match result & ACTION {
            KILL_THREAD => Self::KillThread,
            TRAP => Self::Trap(data),
            ERRNO => Self::Errno(data),
            USER_NOTIF => Self::Notify,
            TRACE => Self::Trace(data),
            LOG => Self::Log,
            ALLOW => Self::Allow,
            _ => Self::KillProcess,
        }
    }
}

/// Of several filters the one with the least rank decides.
pub(super) const fn rank(result: u32) -> i32 {
    (result & ACTION).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_has_the_least_rank() {
        let ranks: Vec<i32> = ACTIONS.iter().map(|(_, number)| rank(*number)).collect();
        assert!(ranks.is_sorted());
        assert!(rank(USER_NOTIF) < rank(TRACE) && rank(ERRNO) < rank(USER_NOTIF));
    }

    #[test]
    fn what_is_no_action_kills() {
        assert_eq!(Action::of(0x1234_0000), Action::KillProcess);
        assert_eq!(Action::of(ERRNO | 13), Action::Errno(13));
        assert_eq!(Action::of(ALLOW | 7), Action::Allow);
    }
}

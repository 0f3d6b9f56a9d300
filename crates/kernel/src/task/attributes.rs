//! What prctl(2) and the scheduler's calls set for one task.

use super::memory_policy::MemoryPolicy;
use super::scheduling::Scheduling;
use crate::seccomp::Seccomp;

/// A task's name: `/proc/PID/comm`, at most 15 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Comm([u8; 16]);

impl Comm {
    /// The first 15 bytes of a name, up to a NUL.
    #[must_use]
    pub fn new(name: &[u8]) -> Self {
        let mut comm = [0; 16];
        let bytes = name.iter().take(15).take_while(|b| **b != 0);
        comm.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Self(comm)
    }

    /// With NULs behind it, as `PR_GET_NAME` copies it.
    #[must_use]
    pub const fn padded(&self) -> &[u8; 16] {
        &self.0
    }

    /// Without them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(self.0.len());
        self.0.get(..end).unwrap_or_default()
    }
}

/// A task's settings.
#[derive(Clone, Debug)]
pub struct Attributes {
    /// Its name.
    pub comm: Comm,
    /// `PR_SET_PDEATHSIG`; 0 for none.
    pub parent_death_signal: i32,
    /// `PR_SET_TIMERSLACK`, nanoseconds.
    pub timer_slack: u64,
    /// What `PR_SET_TIMERSLACK` with 0 goes back to: the parent's at the time of the fork.
    pub default_timer_slack: u64,
    /// `PR_MCE_KILL`: 0 late, 1 early, 2 as the system does.
    pub machine_check: u32,
    /// `PR_SET_IO_FLUSHER`.
    pub io_flusher: bool,
    /// Which nodes memory is taken from: set_mempolicy(2).
    pub memory_policy: MemoryPolicy,
    /// personality(2).
    pub personality: u32,
    /// Niceness, -20 to 19.
    pub nice: i32,
    /// Scheduling policy and what belongs to it.
    pub scheduling: Scheduling,
    /// ioprio_get(2).
    pub io_priority: i32,
    /// The CPUs it may run on, bit by bit; empty means all.
    pub affinity: Vec<u64>,
    /// Address and length given to set_robust_list(2).
    pub robust_list: (u64, u64),
    /// Address given to set_tid_address(2) or clone(2).
    pub clear_child_tid: u64,
    /// seccomp(2). Set by [`crate::Task::set_seccomp`].
    pub seccomp: Seccomp,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            comm: Comm::default(),
            parent_death_signal: 0,
            timer_slack: 50_000,
            default_timer_slack: 50_000,
            machine_check: 2,
            io_flusher: false,
            memory_policy: MemoryPolicy::default(),
            personality: 0,
            nice: 0,
            scheduling: Scheduling::default(),
            io_priority: 0,
            affinity: Vec::new(),
            robust_list: (0, 0),
            clear_child_tid: 0,
            seccomp: Seccomp::Off,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Comm;

    #[test]
    fn names_are_cut_to_fifteen_bytes() {
        assert_eq!(Comm::new(b"abcdefghijklmnopq").as_bytes(), b"abcdefghijklmno");
        assert_eq!(Comm::new(b"ab\0cd").as_bytes(), b"ab");
    }
}

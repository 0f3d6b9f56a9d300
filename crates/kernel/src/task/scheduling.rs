//! How a task wants to be scheduled: sched(7).
//!
//! Policies are kept and told. The host schedules all guests alike, by niceness: real time would take the machine from others.

/// `SCHED_OTHER`, also called `SCHED_NORMAL`.
pub const SCHED_OTHER: i32 = 0;
/// `SCHED_FIFO`.
pub const SCHED_FIFO: i32 = 1;
/// `SCHED_RR`.
pub const SCHED_RR: i32 = 2;
/// `SCHED_BATCH`.
pub const SCHED_BATCH: i32 = 3;
/// `SCHED_IDLE`.
pub const SCHED_IDLE: i32 = 5;
/// `SCHED_DEADLINE`.
pub const SCHED_DEADLINE: i32 = 6;

/// Whether a policy has static priorities from 1 to 99.
#[must_use]
pub const fn is_real_time(policy: i32) -> bool {
    matches!(policy, SCHED_FIFO | SCHED_RR)
}

/// Whether niceness counts as a share of the processor.
#[must_use]
pub const fn is_fair(policy: i32) -> bool {
    matches!(policy, SCHED_OTHER | SCHED_BATCH)
}

/// What `SCHED_DEADLINE` asks for, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline {
    /// Time on a processor in each period.
    pub runtime: u64,
    /// By when in each period.
    pub deadline: u64,
    /// The period.
    pub period: u64,
    /// `SCHED_FLAG_RECLAIM` and `SCHED_FLAG_DL_OVERRUN`.
    pub flags: u64,
}

impl Deadline {
    /// The shortest runtime, and the bounds of a period, nanoseconds.
    const SHORTEST: u64 = 1024;
    const PERIODS: core::ops::RangeInclusive<u64> = 100_000..=4_194_304_000;

    /// Whether the times fit into each other as sched(7) asks for.
    #[must_use]
    pub fn is_sound(self) -> bool {
        self.deadline != 0
            && self.runtime >= Self::SHORTEST
            && self.runtime <= self.deadline
            && self.deadline <= self.period
            && Self::PERIODS.contains(&self.period)
    }
}

/// A task's policy and what belongs to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scheduling {
    /// One of the policies above.
    pub policy: i32,
    /// The static priority: 1 to 99 for real time, 0 for the others.
    pub priority: i32,
    /// Children start as `SCHED_OTHER`.
    pub reset_on_fork: bool,
    /// Of `SCHED_DEADLINE`.
    pub deadline: Deadline,
}

impl Scheduling {
    /// What a child gets, given its parent's, and with which niceness. Nothing if a task like this makes no children: one with a deadline shares its time with nobody.
    #[must_use]
    pub fn inherited(self, nice: i32) -> Option<(Self, i32)> {
        if !self.reset_on_fork {
            return (self.policy != SCHED_DEADLINE).then_some((self, nice));
        }
        match self.policy {
            SCHED_FIFO | SCHED_RR | SCHED_DEADLINE => Some((Self::default(), 0)),
            policy => Some((Self { policy, ..Self::default() }, nice.max(0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_inherit_the_policy_unless_told_otherwise() {
        let mut of = Scheduling { policy: SCHED_FIFO, priority: 7, ..Scheduling::default() };
        assert_eq!(of.inherited(-5), Some((of, -5)));
        of.reset_on_fork = true;
        assert_eq!(of.inherited(-5), Some((Scheduling::default(), 0)));
        of = Scheduling { policy: SCHED_BATCH, reset_on_fork: true, ..Scheduling::default() };
        let batch = Scheduling { policy: SCHED_BATCH, ..Scheduling::default() };
        assert_eq!((of.inherited(-5), of.inherited(5)), (Some((batch, 0)), Some((batch, 5))));
        of = Scheduling { policy: SCHED_DEADLINE, ..Scheduling::default() };
        assert_eq!(of.inherited(0), None, "a deadline is one task's");
    }
}

//! How a process is scheduled: `process.scheduler`, `process.ioPriority`, `linux.personality`.

use abi::personality::PER_LINUX32;
use oci_spec::runtime::{
    IOPriorityClass, Linux, LinuxIOPriority, LinuxPersonalityDomain, LinuxSchedulerFlag as Flag,
    LinuxSchedulerPolicy as Policy, Scheduler,
};
use sentry::spec::SchedulingSpec;

/// Where the class stands in a value of ioprio_set(2).
const CLASS_SHIFT: i32 = 13;
/// `SCHED_FLAG_RECLAIM` and `SCHED_FLAG_DL_OVERRUN` of sched_setattr(2).
const RECLAIM: u64 = 2;
const OVERRUN: u64 = 4;

/// Policy, priority and niceness, as sched_setattr(2) would take them from a process that may do all.
pub(super) fn scheduler(asked: Option<&Scheduler>) -> Result<SchedulingSpec, String> {
    let Some(asked) = asked else { return Ok(SchedulingSpec::default()) };
    let mut spec = SchedulingSpec {
        policy: policy(*asked.policy())?,
        priority: asked.priority().unwrap_or(0),
        nice: asked.nice().unwrap_or(0),
        runtime: asked.runtime().unwrap_or(0),
        deadline: asked.deadline().unwrap_or(0),
        period: asked.period().unwrap_or(0),
        ..SchedulingSpec::default()
    };
    let wrong = |field: &str, problem: &str| Err(format!("process.scheduler.{field}: {problem}"));
    if !(-20..=19).contains(&spec.nice) {
        return wrong("nice", "is not between -20 and 19");
    }
    let real_time = matches!(asked.policy(), Policy::SchedFifo | Policy::SchedRr);
    match spec.priority {
        0 if real_time => {
            return wrong("priority", "is missing: it is from 1 to 99 for SCHED_FIFO and SCHED_RR");
        }
        0 => {}
        _ if !real_time => return wrong("priority", "belongs to SCHED_FIFO and SCHED_RR alone"),
        1..=99 => {}
        _ => return wrong("priority", "is not between 1 and 99"),
    }
    let has_deadline = *asked.policy() == Policy::SchedDeadline;
    if !has_deadline && (spec.runtime, spec.deadline, spec.period) != (0, 0, 0) {
        return wrong("runtime", "belongs, as deadline and period, to SCHED_DEADLINE alone");
    }
    if has_deadline && spec.period == 0 {
        spec.period = spec.deadline;
    }
    for flag in asked.flags().iter().flatten() {
        match flag {
            Flag::SchedResetOnFork => spec.reset_on_fork = true,
            Flag::SchedFlagReclaim if has_deadline => spec.deadline_flags |= RECLAIM,
            Flag::SchedFlagDLOverrun if has_deadline => spec.deadline_flags |= OVERRUN,
            Flag::SchedFlagReclaim | Flag::SchedFlagDLOverrun => {
                return wrong("flags", "one belongs to SCHED_DEADLINE alone");
            }
            _ => {
                return wrong(
                    "flags",
                    "only RESET_ON_FORK, RECLAIM and DL_OVERRUN mean something at a start",
                );
            }
        }
    }
    Ok(spec)
}

fn policy(policy: Policy) -> Result<i32, String> {
    Ok(match policy {
        Policy::SchedOther => 0,
        Policy::SchedFifo => 1,
        Policy::SchedRr => 2,
        Policy::SchedBatch => 3,
        Policy::SchedIdle => 5,
        Policy::SchedDeadline => 6,
        Policy::SchedIso => return Err("process.scheduler.policy: Linux has no SCHED_ISO".to_owned()),
    })
}

/// The value of ioprio_set(2).
pub(super) fn io_priority(asked: Option<&LinuxIOPriority>) -> Result<i32, String> {
    let Some(asked) = asked else { return Ok(0) };
    let class = match asked.class() {
        IOPriorityClass::IoprioClassRt => 1,
        IOPriorityClass::IoprioClassBe => 2,
        IOPriorityClass::IoprioClassIdle => 3,
    };
    match i32::try_from(asked.priority()) {
        Ok(level) if (0..=7).contains(&level) => Ok((class << CLASS_SHIFT) | level),
        _ => Err(format!("process.ioPriority.priority: {} is not between 0 and 7", asked.priority())),
    }
}

/// The value of personality(2).
pub(super) fn personality(linux: Option<&Linux>) -> u32 {
    let Some(asked) = linux.and_then(|linux| linux.personality().as_ref()) else { return 0 };
    if asked.flags().as_ref().is_some_and(|flags| !flags.is_empty()) {
        tracing::warn!("linux.personality.flags: the specification knows none, and they are left out");
    }
    match asked.domain() {
        LinuxPersonalityDomain::PerLinux => 0,
        LinuxPersonalityDomain::PerLinux32 => PER_LINUX32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Result<SchedulingSpec, String> {
        scheduler(Some(&serde_json::from_str(json).unwrap()))
    }

    #[test]
    fn what_belongs_together_is_taken() {
        let found = of(r#"{"policy": "SCHED_RR", "priority": 7}"#).unwrap();
        assert_eq!((found.policy, found.priority), (2, 7));
        let found = of(r#"{"policy": "SCHED_BATCH", "nice": -3, "flags": ["SCHED_RESET_ON_FORK"]}"#).unwrap();
        assert_eq!((found.policy, found.nice, found.reset_on_fork), (3, -3, true));
        let found = of(r#"{"policy": "SCHED_DEADLINE", "runtime": 1000000, "deadline": 2000000}"#).unwrap();
        assert_eq!((found.policy, found.runtime, found.period), (6, 1_000_000, 2_000_000));
        assert_eq!(scheduler(None), Ok(SchedulingSpec::default()));
    }

    #[test]
    fn what_does_not_is_refused_by_field() {
        for (json, field) in [
            (r#"{"policy": "SCHED_OTHER", "nice": 20}"#, "nice"),
            (r#"{"policy": "SCHED_OTHER", "priority": 1}"#, "priority"),
            (r#"{"policy": "SCHED_FIFO"}"#, "priority"),
            (r#"{"policy": "SCHED_FIFO", "priority": 100}"#, "priority"),
            (r#"{"policy": "SCHED_IDLE", "period": 5}"#, "runtime"),
            (r#"{"policy": "SCHED_ISO"}"#, "policy"),
            (r#"{"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_RECLAIM"]}"#, "flags"),
            (r#"{"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_KEEP_POLICY"]}"#, "flags"),
        ] {
            let message = of(json).unwrap_err();
            assert!(message.starts_with(&format!("process.scheduler.{field}: ")), "{message}");
        }
    }

    #[test]
    fn classes_of_io_stand_above_their_levels() {
        let of = |json: &str| io_priority(Some(&serde_json::from_str(json).unwrap()));
        assert_eq!(of(r#"{"class": "IOPRIO_CLASS_BE", "priority": 4}"#), Ok((2 << 13) | 4));
        assert_eq!(of(r#"{"class": "IOPRIO_CLASS_IDLE"}"#), Ok(3 << 13));
        assert!(of(r#"{"class": "IOPRIO_CLASS_RT", "priority": 8}"#).unwrap_err().contains("8 is not"));
    }
}

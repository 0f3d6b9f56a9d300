//! sched_setscheduler(2), sched_getscheduler(2), sched_setparam(2), sched_getparam(2), sched_get_priority_min(2),
//! sched_get_priority_max(2), sched_rr_get_interval(2), sched_yield(2).

use std::sync::Arc;

use abi::Errno;
use abi::time::Timespec;
use kernel::limits::Resource;
use kernel::task::scheduling::{
    Deadline, SCHED_BATCH, SCHED_DEADLINE, SCHED_FIFO, SCHED_IDLE, SCHED_OTHER, SCHED_RR, Scheduling,
    is_fair, is_real_time,
};
use kernel::{Task, UserPtr};
use vfs::Capability;

use super::priority::{is_allowed, may_change};

/// Or'ed to a policy: children do not inherit it.
const RESET_ON_FORK: i32 = 0x4000_0000;
/// `SCHED_EXT`: a number that has priorities, for a policy that is not there.
const SCHED_EXT: i32 = 7;
/// The time slice of SCHED_RR, nanoseconds.
const SLICE: i64 = 100_000_000;

/// What a policy is to become.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    /// Nothing keeps the policy, and whether children inherit it.
    pub(super) policy: Option<i32>,
    pub(super) priority: u32,
    /// Nothing keeps it.
    pub(super) nice: Option<i32>,
    pub(super) reset_on_fork: bool,
    pub(super) deadline: Deadline,
}

/// The task that an id means; 0 is the caller.
pub(super) fn target(task: &Arc<Task>, pid: i32) -> Result<Arc<Task>, Errno> {
    match pid {
        0 => Ok(Arc::clone(task)),
        pid if pid < 0 => Err(Errno::EINVAL),
        pid => task.task_of(pid).ok_or(Errno::ESRCH),
    }
}

/// Policy and niceness of the task that an id means. Of a zombie they are what they were.
pub(super) fn known(task: &Arc<Task>, pid: i32) -> Result<(Scheduling, i32), Errno> {
    match target(task, pid) {
        Ok(target) => {
            let attributes = target.attributes();
            Ok((attributes.scheduling, attributes.nice))
        }
        Err(Errno::ESRCH) => {
            let last = task.group_of(pid).ok_or(Errno::ESRCH)?.last();
            Ok((last.scheduling, last.nice))
        }
        Err(errno) => Err(errno),
    }
}

/// Sets policy, priority and niceness of a task.
///
/// # Errors
/// `EINVAL` for what does not belong together, `EPERM` without the limits or CAP_SYS_NICE that sched(7) asks for.
pub(super) fn set(task: &Task, target: &Task, wanted: Wanted) -> Result<(), Errno> {
    let (old, old_nice) = {
        let attributes = target.attributes();
        (attributes.scheduling, attributes.nice)
    };
    let policy = wanted.policy.unwrap_or(old.policy);
    let reset_on_fork = if wanted.policy.is_some() { wanted.reset_on_fork } else { old.reset_on_fork };
    let priority = i32::try_from(wanted.priority).ok().filter(|p| *p < 100).ok_or(Errno::EINVAL)?;
    let known = is_fair(policy) || is_real_time(policy) || matches!(policy, SCHED_IDLE | SCHED_DEADLINE);
    if !known || is_real_time(policy) != (priority != 0) {
        return Err(Errno::EINVAL);
    }
    if policy == SCHED_DEADLINE && !wanted.deadline.is_sound() {
        return Err(Errno::EINVAL);
    }
    let nice = wanted.nice.unwrap_or(old_nice);
    let new = Scheduling { policy, priority, reset_on_fork, deadline: wanted.deadline };
    let privileged = task.credentials().has(Capability::SysNice);
    if !privileged && (needs_privilege(target, old, new, old_nice, nice) || may_change(task, target).is_err())
    {
        return Err(Errno::EPERM);
    }
    let mut attributes = target.attributes();
    attributes.scheduling = new;
    if is_fair(policy) {
        attributes.nice = nice;
        drop(attributes);
        if let Some(thread) = target.thread() {
            thread.set_nice(nice);
        }
    }
    Ok(())
}

/// Whether a change is one that the target's limits do not allow.
fn needs_privilege(target: &Task, old: Scheduling, new: Scheduling, old_nice: i32, nice: i32) -> bool {
    let limit = target.group.limits.lock().get(Resource::Rtprio).soft;
    let exceeds = new.priority > old.priority && u64::from(new.priority.unsigned_abs()) > limit;
    let raises = is_real_time(new.policy) && ((new.policy != old.policy && limit == 0) || exceeds);
    let nicer = is_fair(new.policy) && nice < old_nice && !is_allowed(target, nice);
    let wakes = old.policy == SCHED_IDLE && new.policy != SCHED_IDLE && !is_allowed(target, old_nice);
    raises || nicer || wakes || new.policy == SCHED_DEADLINE || (old.reset_on_fork && !new.reset_on_fork)
}

/// Sets a policy.
///
/// # Errors
/// `EINVAL`, `EPERM`, `ESRCH`, `EFAULT`.
pub fn sched_setscheduler(task: &Arc<Task>, pid: i32, policy: i32, param: UserPtr<i32>) -> Result<(), Errno> {
    if policy < 0 {
        return Err(Errno::EINVAL);
    }
    change(task, pid, Some(policy), param)
}

/// Sets the static priority, and keeps the policy.
///
/// # Errors
/// `EINVAL`, `EPERM`, `ESRCH`, `EFAULT`.
pub fn sched_setparam(task: &Arc<Task>, pid: i32, param: UserPtr<i32>) -> Result<(), Errno> {
    change(task, pid, None, param)
}

fn change(task: &Arc<Task>, pid: i32, policy: Option<i32>, param: UserPtr<i32>) -> Result<(), Errno> {
    if pid < 0 || param.is_null() {
        return Err(Errno::EINVAL);
    }
    let priority = param.read(&*task.memory())?.cast_unsigned();
    let target = target(task, pid)?;
    let wanted = Wanted {
        policy: policy.map(|policy| policy & !RESET_ON_FORK),
        priority,
        reset_on_fork: policy.is_some_and(|policy| policy & RESET_ON_FORK != 0),
        ..Wanted::default()
    };
    set(task, &target, wanted)
}

/// Tells the policy.
///
/// # Errors
/// `EINVAL`, `ESRCH`.
pub fn sched_getscheduler(task: &Arc<Task>, pid: i32) -> Result<i32, Errno> {
    let (of, _) = known(task, pid)?;
    Ok(of.policy | if of.reset_on_fork { RESET_ON_FORK } else { 0 })
}

/// Tells the static priority.
///
/// # Errors
/// `EINVAL`, `ESRCH`, `EFAULT`.
pub fn sched_getparam(task: &Arc<Task>, pid: i32, param: UserPtr<i32>) -> Result<(), Errno> {
    if param.is_null() {
        return Err(Errno::EINVAL);
    }
    let priority = known(task, pid)?.0.priority;
    param.write(&*task.memory(), &priority)
}

/// The highest static priority of a policy.
///
/// # Errors
/// `EINVAL`.
pub fn sched_get_priority_max(_: &Arc<Task>, policy: i32) -> Result<i32, Errno> {
    match policy {
        SCHED_FIFO | SCHED_RR => Ok(99),
        SCHED_OTHER | SCHED_BATCH | SCHED_IDLE | SCHED_DEADLINE | SCHED_EXT => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

/// The lowest static priority of a policy.
///
/// # Errors
/// `EINVAL`.
pub fn sched_get_priority_min(task: &Arc<Task>, policy: i32) -> Result<i32, Errno> {
    sched_get_priority_max(task, policy).map(|highest| highest.min(1))
}

/// The time slice: that of SCHED_RR. The others have none, or one that is shorter than the clock's tick, which counts as none.
///
/// # Errors
/// `EINVAL`, `ESRCH`, `EFAULT`.
pub fn sched_rr_get_interval(task: &Arc<Task>, pid: i32, interval: UserPtr<Timespec>) -> Result<(), Errno> {
    let policy = known(task, pid)?.0.policy;
    let nsec = if policy == SCHED_RR { SLICE } else { 0 };
    interval.write(&*task.memory(), &Timespec { sec: 0, nsec })
}

/// Lets others run. The guest does so natively; this is for those that come here all the same.
///
/// # Errors
/// None.
pub fn sched_yield(_: &Arc<Task>) -> Result<(), Errno> {
    Ok(())
}

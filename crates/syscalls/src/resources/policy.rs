//! sched_setscheduler(2), sched_getscheduler(2), sched_setparam(2), sched_getparam(2), sched_setattr(2), sched_getattr(2),
//! sched_get_priority_min(2), sched_get_priority_max(2), sched_rr_get_interval(2), sched_yield(2).
//!
//! Policies are kept and told; the host schedules all guests alike, by niceness.

use std::sync::Arc;

use abi::Errno;
use abi::time::Timespec;
use kernel::{Task, UserAddr, UserPtr};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

use super::priority::{self, may_change};

const SCHED_OTHER: i32 = 0;
const SCHED_FIFO: i32 = 1;
const SCHED_RR: i32 = 2;
const SCHED_BATCH: i32 = 3;
const SCHED_IDLE: i32 = 5;
/// Or'ed to a policy: children do not inherit it.
const RESET_ON_FORK: i32 = 0x4000_0000;
/// The time slice of SCHED_RR, nanoseconds.
const SLICE: i64 = 100_000_000;

/// `struct sched_attr`, the first published version.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

const ATTRIBUTES_SIZE: u32 = 48;

fn target(task: &Arc<Task>, pid: i32) -> Result<Arc<Task>, Errno> {
    match pid {
        0 => Ok(Arc::clone(task)),
        pid if pid < 0 => Err(Errno::EINVAL),
        pid => task.kernel.task(pid).ok_or(Errno::ESRCH),
    }
}

/// Whether a policy takes this static priority, and is there.
fn check(policy: i32, level: i32) -> Result<(), Errno> {
    match policy {
        SCHED_OTHER | SCHED_BATCH | SCHED_IDLE if level == 0 => Ok(()),
        // Real time would take the machine from others: nobody here may, whatever its capabilities.
        SCHED_FIFO | SCHED_RR if (1..=99).contains(&level) => Err(Errno::EPERM),
        _ => Err(Errno::EINVAL),
    }
}

/// Sets a policy.
///
/// # Errors
/// `EINVAL`, `EPERM`, `ESRCH`, `EFAULT`.
pub fn sched_setscheduler(task: &Arc<Task>, pid: i32, policy: i32, param: UserPtr<i32>) -> Result<(), Errno> {
    let target = target(task, pid)?;
    let level = param.read(&*task.memory())?;
    let policy = policy & !RESET_ON_FORK;
    check(policy, level)?;
    may_change(task, &target)?;
    target.attributes().policy = policy;
    Ok(())
}

/// Tells the policy.
///
/// # Errors
/// `EINVAL`, `ESRCH`.
pub fn sched_getscheduler(task: &Arc<Task>, pid: i32) -> Result<i32, Errno> {
    let policy = target(task, pid)?.attributes().policy;
    Ok(policy)
}

/// Sets the static priority, of which the policies here have none but 0.
///
/// # Errors
/// `EINVAL`, `EPERM`, `ESRCH`, `EFAULT`.
pub fn sched_setparam(task: &Arc<Task>, pid: i32, param: UserPtr<i32>) -> Result<(), Errno> {
    let target = target(task, pid)?;
    let level = param.read(&*task.memory())?;
    let policy = target.attributes().policy;
    check(policy, level)?;
    may_change(task, &target)
}

/// Tells the static priority.
///
/// # Errors
/// `EINVAL`, `ESRCH`, `EFAULT`.
pub fn sched_getparam(task: &Arc<Task>, pid: i32, param: UserPtr<i32>) -> Result<(), Errno> {
    target(task, pid)?;
    param.write(&*task.memory(), &0)
}

/// Sets policy and niceness.
///
/// # Errors
/// `EINVAL`, `E2BIG`, `EPERM`, `EACCES`, `ESRCH`, `EFAULT`.
pub fn sched_setattr(
    task: &Arc<Task>,
    pid: i32,
    attributes: UserPtr<Attributes>,
    flags: u32,
) -> Result<(), Errno> {
    if flags != 0 || attributes.is_null() {
        return Err(Errno::EINVAL);
    }
    let target = target(task, pid)?;
    let wanted = attributes.read(&*task.memory())?;
    if wanted.size != 0 && wanted.size < ATTRIBUTES_SIZE {
        return Err(Errno::E2BIG);
    }
    let policy = i32::try_from(wanted.policy).map_err(|_| Errno::EINVAL)?;
    let level = i32::try_from(wanted.priority).map_err(|_| Errno::EINVAL)?;
    check(policy, level)?;
    priority::set(task, &target, wanted.nice.clamp(-20, 19))?;
    target.attributes().policy = policy;
    Ok(())
}

/// Tells policy and niceness.
///
/// # Errors
/// `EINVAL`, `ESRCH`, `EFAULT`.
pub fn sched_getattr(
    task: &Arc<Task>,
    pid: i32,
    attributes: UserAddr,
    size: u32,
    flags: u32,
) -> Result<(), Errno> {
    if flags != 0 || attributes.is_null() || !(ATTRIBUTES_SIZE..=4096).contains(&size) {
        return Err(Errno::EINVAL);
    }
    let of = target(task, pid)?.attributes().clone();
    let told = Attributes {
        size: ATTRIBUTES_SIZE,
        policy: of.policy.cast_unsigned(),
        nice: of.nice,
        ..Attributes::new_zeroed()
    };
    UserPtr::new(attributes.0).write(&*task.memory(), &told)
}

/// The highest static priority of a policy.
///
/// # Errors
/// `EINVAL`.
pub fn sched_get_priority_max(_: &Arc<Task>, policy: i32) -> Result<i32, Errno> {
    match policy {
        SCHED_FIFO | SCHED_RR => Ok(99),
        SCHED_OTHER | SCHED_BATCH | SCHED_IDLE => Ok(0),
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

/// The time slice of SCHED_RR.
///
/// # Errors
/// `EINVAL`, `ESRCH`, `EFAULT`.
pub fn sched_rr_get_interval(task: &Arc<Task>, pid: i32, interval: UserPtr<Timespec>) -> Result<(), Errno> {
    target(task, pid)?;
    interval.write(&*task.memory(), &Timespec { sec: 0, nsec: SLICE })
}

/// Lets others run. The guest does so natively; this is for those that come here all the same.
///
/// # Errors
/// None.
pub fn sched_yield(_: &Arc<Task>) -> Result<(), Errno> {
    Ok(())
}

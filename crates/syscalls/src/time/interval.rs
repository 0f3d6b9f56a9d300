//! getitimer(2), setitimer(2), alarm(2).

use std::sync::Arc;
use std::time::Duration;

use abi::Errno;
use abi::time::{ITIMER_PROF, ITIMER_REAL, ITIMER_VIRTUAL, Itimerval};
use kernel::time::interval::{self, IntervalKind};
use kernel::time::posix::Setting;
use kernel::{Task, UserPtr};

fn kind(which: i32) -> Result<IntervalKind, Errno> {
    match which {
        ITIMER_REAL => Ok(IntervalKind::Real),
        ITIMER_VIRTUAL => Ok(IntervalKind::Virtual),
        ITIMER_PROF => Ok(IntervalKind::Profiling),
        _ => Err(Errno::EINVAL),
    }
}

/// A set timer never shows as off, however little is left.
fn show(setting: &Setting) -> Itimerval {
    const LEAST: Duration = Duration::from_micros(1);
    let left = if setting.left.is_zero() { setting.left } else { setting.left.max(LEAST) };
    Itimerval { interval: setting.interval.into(), value: left.into() }
}

/// A timer's setting.
///
/// # Errors
/// `EINVAL`, `EFAULT`.
pub fn getitimer(task: &Arc<Task>, which: i32, value: UserPtr<Itimerval>) -> Result<(), Errno> {
    let setting = interval::get(&task.group, kind(which)?);
    value.write(&*task.memory(), &show(&setting))
}

/// Sets a timer. The null pointer as new value turns it off, as in Linux.
///
/// # Errors
/// `EINVAL`, `EFAULT`.
pub fn setitimer(
    task: &Arc<Task>,
    which: i32,
    new: UserPtr<Itimerval>,
    old: UserPtr<Itimerval>,
) -> Result<(), Errno> {
    let memory = task.memory();
    let new = new.some().map(|new| new.read(&*memory)).transpose()?.unwrap_or_default();
    let (value, period) = (new.value.duration()?, new.interval.duration()?);
    let before = interval::set(&task.group, kind(which)?, value, period);
    match old.some() {
        Some(old) => old.write(&*memory, &show(&before)),
        None => Ok(()),
    }
}

/// Sets the real-time timer to some seconds. Returns those that were left, rounded to the next but never to zero.
///
/// # Errors
/// None.
pub fn alarm(task: &Arc<Task>, seconds: u32) -> Result<u64, Errno> {
    let value = Duration::from_secs(u64::from(seconds));
    let left = interval::set(&task.group, IntervalKind::Real, value, Duration::ZERO).left;
    let rounded = left.as_secs() + u64::from(left.subsec_nanos() >= 500_000_000);
    Ok(if left.is_zero() { 0 } else { rounded.max(1) })
}

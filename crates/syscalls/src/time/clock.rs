//! clock_gettime(2), clock_getres(2), clock_settime(2), clock_adjtime(2), adjtimex(2).

use std::sync::Arc;

use abi::Errno;
use abi::time::Timespec;
use host::clock::HostClock;
use kernel::time::Clock;
use kernel::{Task, UserAddr, UserPtr};

/// What a clock shows.
///
/// # Errors
/// `EINVAL` for a clock that does not exist, `EFAULT`.
pub fn clock_gettime(task: &Arc<Task>, clock: i32, time: UserPtr<Timespec>) -> Result<(), Errno> {
    let now = Clock::from_id(task, clock)?.now();
    time.write(&*task.memory(), &now.into())
}

/// The resolution of a clock.
///
/// # Errors
/// `EINVAL` for a clock that does not exist, `EFAULT`.
pub fn clock_getres(task: &Arc<Task>, clock: i32, resolution: UserPtr<Timespec>) -> Result<(), Errno> {
    let value = Clock::from_id(task, clock)?.resolution();
    match resolution.some() {
        Some(resolution) => resolution.write(&*task.memory(), &value.into()),
        None => Ok(()),
    }
}

/// The sandbox has no clock of its own to set.
///
/// # Errors
/// `EPERM` for the wall clock and CPU clocks, `EINVAL` for those that cannot be set anywhere, `EFAULT`.
pub fn clock_settime(task: &Arc<Task>, clock: i32, time: UserPtr<Timespec>) -> Result<(), Errno> {
    let clock = Clock::from_id(task, clock)?;
    time.read(&*task.memory())?;
    match clock {
        Clock::Host(HostClock::Realtime) | Clock::Process(..) | Clock::Thread(..) => Err(Errno::EPERM),
        Clock::Host(_) | Clock::Alarm(_) => Err(Errno::EINVAL),
    }
}

/// Nothing can be adjusted.
///
/// # Errors
/// `EINVAL` for a clock that does not exist, `EOPNOTSUPP` for one that cannot be adjusted anywhere, `EPERM`.
pub fn clock_adjtime(task: &Arc<Task>, clock: i32, _: UserAddr) -> Result<(), Errno> {
    match Clock::from_id(task, clock)? {
        Clock::Host(HostClock::Realtime) => Err(Errno::EPERM),
        _ => Err(Errno::EOPNOTSUPP),
    }
}

/// Nothing can be adjusted.
///
/// # Errors
/// `EPERM`.
pub fn adjtimex(_: &Arc<Task>, _: UserAddr) -> Result<(), Errno> {
    Err(Errno::EPERM)
}

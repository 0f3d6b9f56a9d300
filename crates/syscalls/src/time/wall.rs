//! gettimeofday(2), settimeofday(2), time(2).

use std::sync::Arc;

use abi::Errno;
use abi::time::{Timeval, Timezone};
use host::clock::HostClock;
use kernel::{Task, UserAddr, UserPtr};

/// The wall clock in microseconds. The time zone is Greenwich's, as on every machine that was set up in this century.
///
/// # Errors
/// `EFAULT`.
pub fn gettimeofday(task: &Arc<Task>, time: UserPtr<Timeval>, zone: UserPtr<Timezone>) -> Result<(), Errno> {
    let memory = task.memory();
    if let Some(time) = time.some() {
        time.write(&*memory, &HostClock::Realtime.now().into())?;
    }
    match zone.some() {
        Some(zone) => zone.write(&*memory, &Timezone::default()),
        None => Ok(()),
    }
}

/// The sandbox has no clock of its own to set.
///
/// # Errors
/// `EPERM`; `EINVAL` for a time that is none, `EFAULT`.
pub fn settimeofday(task: &Arc<Task>, time: UserPtr<Timeval>, _: UserAddr) -> Result<(), Errno> {
    if let Some(time) = time.some() {
        time.read(&*task.memory())?.duration()?;
    }
    Err(Errno::EPERM)
}

/// The wall clock in seconds.
///
/// # Errors
/// `EFAULT`.
pub fn time(task: &Arc<Task>, at: UserPtr<i64>) -> Result<u64, Errno> {
    let seconds = HostClock::RealtimeCoarse.now().as_secs();
    if let Some(at) = at.some() {
        at.write(&*task.memory(), &i64::try_from(seconds).unwrap_or(i64::MAX))?;
    }
    Ok(seconds)
}

//! Timeouts of the calls that wait for many things, and what is left of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::Errno;
use abi::personality::STICKY_TIMEOUTS;
use abi::signal::SignalSet;
use abi::time::{Timespec, Timeval};
use kernel::{Task, UserPtr};

use super::ready::Until;

/// A timeout that starts now.
pub(super) fn starting_now(timeout: Option<Duration>) -> Until {
    match timeout {
        None => Until::Forever,
        Some(Duration::ZERO) => Until::Now,
        Some(span) => Instant::now().checked_add(span).map_or(Until::Forever, Until::Deadline),
    }
}

/// A timeout in milliseconds, negative for none. If the call runs again after a signal, it is the rest of it.
pub(super) fn milliseconds(task: &Task, timeout: i32) -> Until {
    match u64::try_from(timeout) {
        Err(_) => Until::Forever,
        Ok(0) => Until::Now,
        Ok(span) => task.deadline(Duration::from_millis(span)).map_or(Until::Forever, Until::Deadline),
    }
}

/// The `struct timespec` at an address, if there is one.
///
/// # Errors
/// `EFAULT`, `EINVAL`.
pub(super) fn timespec(task: &Task, at: UserPtr<Timespec>) -> Result<Until, Errno> {
    let span = at.some().map(|at| at.read(&*task.memory())?.duration()).transpose()?;
    Ok(starting_now(span))
}

/// The `struct timeval` at an address, if there is one. select(2) takes any number of microseconds.
///
/// # Errors
/// `EFAULT`, `EINVAL`.
pub(super) fn timeval(task: &Task, at: UserPtr<Timeval>) -> Result<Until, Errno> {
    let Some(at) = at.some() else { return Ok(Until::Forever) };
    let given = at.read(&*task.memory())?;
    let (whole, rest) = (given.usec.div_euclid(1_000_000), given.usec.rem_euclid(1_000_000));
    let sec = given.sec.checked_add(whole).ok_or(Errno::EINVAL)?;
    Ok(starting_now(Some(Timeval { sec, usec: rest }.duration()?)))
}

/// Whether the task wants its timeouts left as they are.
fn sticky(task: &Task) -> bool {
    task.attributes().personality & STICKY_TIMEOUTS != 0
}

fn left(until: Until) -> Option<Duration> {
    match until {
        Until::Forever => None,
        Until::Now => Some(Duration::ZERO),
        Until::Deadline(at) => Some(at.saturating_duration_since(Instant::now())),
    }
}

/// Leaves what is left of the timeout where it was read. As Linux, a place that cannot be written is no error.
pub(super) fn store_timespec(task: &Task, at: UserPtr<Timespec>, until: Until) {
    if sticky(task) {
        return;
    }
    if let (Some(at), Some(left)) = (at.some(), left(until)) {
        let _ = at.write(&*task.memory(), &Timespec::from(left));
    }
}

/// As [`store_timespec`].
pub(super) fn store_timeval(task: &Task, at: UserPtr<Timeval>, until: Until) {
    if sticky(task) {
        return;
    }
    if let (Some(at), Some(left)) = (at.some(), left(until)) {
        let _ = at.write(&*task.memory(), &Timeval::from(left));
    }
}

/// The signal mask for the time of the call, if one is given.
///
/// # Errors
/// `EINVAL` for another size than the kernel's, `EFAULT`.
pub(crate) fn mask(task: &Arc<Task>, set: UserPtr<SignalSet>, size: usize) -> Result<(), Errno> {
    let Some(set) = set.some() else { return Ok(()) };
    if size != size_of::<SignalSet>() {
        return Err(Errno::EINVAL);
    }
    let blocked = set.read(&*task.memory())?;
    kernel::signal::set_blocked_for_call(task, blocked);
    Ok(())
}

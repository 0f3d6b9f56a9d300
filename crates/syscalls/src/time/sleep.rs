//! nanosleep(2), clock_nanosleep(2).

use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::Errno;
use abi::time::{CLOCK_THREAD_CPUTIME_ID, TIMER_ABSTIME, Timespec};
use host::clock::HostClock;
use kernel::time::{Clock, Watch};
use kernel::{Task, UserPtr, wait};

/// Sleeps for a time. What is left of it is written to `remaining` if a signal ends the sleep.
///
/// # Errors
/// `EINTR`, `EINVAL` for a time that is none, `EFAULT`.
pub async fn nanosleep(
    task: &Arc<Task>,
    request: UserPtr<Timespec>,
    remaining: UserPtr<Timespec>,
) -> Result<(), Errno> {
    let request = request.read(&*task.memory())?.duration()?;
    relative(task, request, remaining).await
}

/// Sleeps for a time, or until a time, of a clock.
///
/// # Errors
/// As [`nanosleep`]; `EINVAL` also for a clock that does not exist or the caller's own CPU time, `EOPNOTSUPP` for one without timers.
pub async fn clock_nanosleep(
    task: &Arc<Task>,
    id: i32,
    flags: u32,
    request: UserPtr<Timespec>,
    remaining: UserPtr<Timespec>,
) -> Result<(), Errno> {
    let clock = Clock::from_id(task, id)?;
    if !clock.has_timers() {
        return Err(Errno::EOPNOTSUPP);
    }
    if id == CLOCK_THREAD_CPUTIME_ID {
        return Err(Errno::EOPNOTSUPP);
    }
    if matches!(&clock, Clock::Thread(thread, _) if Arc::ptr_eq(thread, task)) {
        return Err(Errno::EINVAL);
    }
    let request = request.read(&*task.memory())?.duration()?;
    let absolute = flags & TIMER_ABSTIME != 0;
    let on_cpu = matches!(clock, Clock::Process(..) | Clock::Thread(..));
    if !absolute && !on_cpu {
        return relative(task, request, remaining).await;
    }
    let until = if absolute { request } else { clock.now().saturating_add(request) };
    until_clock(task, &clock, until).await
}

/// Elapsed time is the same on all clocks but those of CPU time.
async fn relative(task: &Arc<Task>, request: Duration, remaining: UserPtr<Timespec>) -> Result<(), Errno> {
    let deadline = task.deadline(request);
    let slept = wait::condition(task, deadline, || Err::<(), _>(Errno::EAGAIN)).await;
    match slept {
        Ok(()) | Err(Errno::ETIMEDOUT) => Ok(()),
        Err(_) => {
            let left = deadline.map_or(request, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(());
            }
            if let Some(remaining) = remaining.some() {
                remaining.write(&*task.memory(), &left.into())?;
            }
            Err(task.restart_at(deadline))
        }
    }
}

async fn until_clock(task: &Arc<Task>, clock: &Clock, until: Duration) -> Result<(), Errno> {
    let mut watch = Watch::default();
    while clock.now() < until {
        let at = clock.instant(until, &mut watch);
        match wait::condition(task, at, || Err::<(), _>(Errno::EAGAIN)).await {
            Err(Errno::ETIMEDOUT) if is_elapsed(clock) => return Ok(()),
            Err(Errno::ETIMEDOUT) | Ok(()) => {}
            Err(_) => return Err(Errno::ERESTARTNOHAND),
        }
    }
    Ok(())
}

/// Whether the clock runs with the time that elapses, so that a deadline needs no second look.
const fn is_elapsed(clock: &Clock) -> bool {
    matches!(clock, Clock::Host(HostClock::Monotonic | HostClock::Boottime))
}

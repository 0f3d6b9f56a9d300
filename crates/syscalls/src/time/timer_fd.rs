//! timerfd_create(2), timerfd_settime(2), timerfd_gettime(2).

use std::sync::Arc;

use abi::Errno;
use abi::time::{
    CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM, CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_REALTIME_ALARM, Itimerspec,
    TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET,
};
use kernel::limits::Resource;
use kernel::time::{Clock, TimerFd};
use kernel::{Task, UserPtr};
use vfs::{Capability, Fd, OpenFile, OpenFlags};

use super::posix::show;

/// Makes a timer that is read.
///
/// # Errors
/// `EINVAL` for flags or clocks that it does not take, `EPERM` for alarms without `CAP_WAKE_ALARM`, `EMFILE`.
pub fn timerfd_create(task: &Arc<Task>, clock: i32, flags: u32) -> Result<Fd, Errno> {
    let flags = OpenFlags::from_bits_retain(flags);
    if !(OpenFlags::CLOEXEC | OpenFlags::NONBLOCK).contains(flags) {
        return Err(Errno::EINVAL);
    }
    match clock {
        CLOCK_REALTIME | CLOCK_MONOTONIC | CLOCK_BOOTTIME => {}
        CLOCK_REALTIME_ALARM | CLOCK_BOOTTIME_ALARM => task.credentials().need(Capability::WakeAlarm)?,
        _ => return Err(Errno::EINVAL),
    }
    let timer = TimerFd::new(Clock::from_id(task, clock)?, Arc::clone(&task.kernel.timers));
    let file = OpenFile::new(timer, None, flags | OpenFlags::RDWR, Arc::clone(&task.credentials()));
    let limit = task.group.limits.lock().count(Resource::Nofile);
    task.files().install(file, flags.contains(OpenFlags::CLOEXEC), 0, limit)
}

fn with_timer<R>(task: &Arc<Task>, fd: Fd, act: impl FnOnce(&TimerFd) -> R) -> Result<R, Errno> {
    let file = task.files().get(fd)?;
    let timer: &TimerFd = file.file.as_any().downcast_ref().ok_or(Errno::EINVAL)?;
    Ok(act(timer))
}

/// Sets it. `TFD_TIMER_CANCEL_ON_SET` is taken, and never has anything to cancel: the clock is not set here.
///
/// # Errors
/// `EINVAL` also for a file of another kind, `EBADF`, `EFAULT`.
pub fn timerfd_settime(
    task: &Arc<Task>,
    fd: Fd,
    flags: u32,
    new: UserPtr<Itimerspec>,
    old: UserPtr<Itimerspec>,
) -> Result<(), Errno> {
    let memory = task.memory();
    let new = new.read(&*memory)?;
    if flags & !(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) != 0 {
        return Err(Errno::EINVAL);
    }
    let (value, interval) = (new.value.duration()?, new.interval.duration()?);
    let absolute = flags & TFD_TIMER_ABSTIME != 0;
    let before = with_timer(task, fd, |timer| timer.set(value, interval, absolute))?;
    match old.some() {
        Some(old) => old.write(&*memory, &show(&before)),
        None => Ok(()),
    }
}

/// Its setting.
///
/// # Errors
/// `EINVAL` for a file of another kind, `EBADF`, `EFAULT`.
pub fn timerfd_gettime(task: &Arc<Task>, fd: Fd, value: UserPtr<Itimerspec>) -> Result<(), Errno> {
    let setting = with_timer(task, fd, TimerFd::get)?;
    value.write(&*task.memory(), &show(&setting))
}

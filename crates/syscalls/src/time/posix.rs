//! timer_create(2) and the calls on the timers that it makes.

use std::sync::Arc;

use abi::Errno;
use abi::signal::Signal;
use abi::time::{
    Itimerspec, SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD, SIGEV_THREAD_ID, Sigevent, TIMER_ABSTIME,
};
use kernel::time::Clock;
use kernel::time::posix::{self, Notify, Setting};
use kernel::{Task, UserPtr};

/// A setting as the guest sees it.
pub(super) fn show(setting: &Setting) -> Itimerspec {
    Itimerspec { interval: setting.interval.into(), value: setting.left.into() }
}

/// Makes a timer and writes its id.
///
/// # Errors
/// `EAGAIN` with too many, `EINVAL`, `EOPNOTSUPP` for a clock without timers, `EFAULT`.
pub fn timer_create(
    task: &Arc<Task>,
    clock: i32,
    event: UserPtr<Sigevent>,
    id: UserPtr<i32>,
) -> Result<(), Errno> {
    let memory = task.memory();
    let clock = Clock::from_id(task, clock)?;
    let notify = event.some().map(|event| notify(task, &event.read(&*memory)?)).transpose()?;
    let new = posix::create(task, clock, notify)?;
    id.write(&*memory, &new).inspect_err(|_| {
        // It cannot be used by anybody.
        let _ = posix::delete(&task.group, new);
    })
}

fn notify(task: &Arc<Task>, event: &Sigevent) -> Result<Notify, Errno> {
    match event.notify {
        SIGEV_NONE => Ok(Notify::None),
        SIGEV_SIGNAL | SIGEV_THREAD => Ok(Notify::Process(Signal::new(event.signo)?, event.value)),
        SIGEV_THREAD_ID => {
            let thread = task.task_of(event.thread).filter(|t| Arc::ptr_eq(&t.group, &task.group));
            let thread = thread.ok_or(Errno::EINVAL)?;
            Ok(Notify::Thread(Signal::new(event.signo)?, event.value, Arc::downgrade(&thread)))
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Sets a timer.
///
/// # Errors
/// `EINVAL` also for times that are none, `EFAULT`.
pub fn timer_settime(
    task: &Arc<Task>,
    id: i32,
    flags: u32,
    new: UserPtr<Itimerspec>,
    old: UserPtr<Itimerspec>,
) -> Result<(), Errno> {
    let memory = task.memory();
    let new = new.some().ok_or(Errno::EINVAL)?.read(&*memory)?;
    let (value, interval) = (new.value.duration()?, new.interval.duration()?);
    let before = posix::find(&task.group, id)?.set(value, interval, flags & TIMER_ABSTIME != 0);
    match old.some() {
        Some(old) => old.write(&*memory, &show(&before)),
        None => Ok(()),
    }
}

/// A timer's setting.
///
/// # Errors
/// `EINVAL`, `EFAULT`.
pub fn timer_gettime(task: &Arc<Task>, id: i32, value: UserPtr<Itimerspec>) -> Result<(), Errno> {
    let setting = posix::find(&task.group, id)?.get();
    value.write(&*task.memory(), &show(&setting))
}

/// How many expiries the last signal stands for, besides one.
///
/// # Errors
/// `EINVAL`.
pub fn timer_getoverrun(task: &Arc<Task>, id: i32) -> Result<i32, Errno> {
    Ok(posix::find(&task.group, id)?.overrun())
}

/// Removes a timer.
///
/// # Errors
/// `EINVAL`.
pub fn timer_delete(task: &Arc<Task>, id: i32) -> Result<(), Errno> {
    posix::delete(&task.group, id)
}

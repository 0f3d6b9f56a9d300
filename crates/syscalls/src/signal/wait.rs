//! Waiting for signals: rt_sigsuspend(2), pause(2), rt_sigtimedwait(2).

use std::sync::Arc;
use std::time::Instant;

use abi::Errno;
use abi::signal::{Siginfo, SignalSet};
use abi::time::Timespec;
use kernel::{Task, UserPtr, signal, wait};

use super::SetSize;

/// Waits with another mask until a handler has run.
///
/// # Errors
/// `EINTR` always, but for `EINVAL` and `EFAULT`.
pub async fn rt_sigsuspend(task: &Arc<Task>, set: UserPtr<SignalSet>, size: SetSize) -> Result<(), Errno> {
    size.check()?;
    let set = set.read(&*task.memory())?;
    signal::set_blocked_for_call(task, set);
    until_signal(task).await
}

/// Waits until a handler has run.
///
/// # Errors
/// `EINTR` always.
pub async fn pause(task: &Arc<Task>) -> Result<(), Errno> {
    until_signal(task).await
}

async fn until_signal(task: &Arc<Task>) -> Result<(), Errno> {
    wait::condition(task, None, || Err(Errno::EAGAIN)).await.map_err(|_| Errno::ERESTARTNOHAND)
}

/// Ends the special interest in signals, however the wait ends.
struct Wanting<'a>(&'a Arc<Task>);

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        signal::set_wanted(self.0, SignalSet::EMPTY);
    }
}

/// Waits for one of a set of signals and takes it. Returns its number.
///
/// # Errors
/// `EAGAIN` if none came in time, `EINTR` if another one did, `EINVAL` for a bad size or timeout, `EFAULT`.
pub async fn rt_sigtimedwait(
    task: &Arc<Task>,
    set: UserPtr<SignalSet>,
    info: UserPtr<Siginfo>,
    timeout: UserPtr<Timespec>,
    size: SetSize,
) -> Result<i32, Errno> {
    size.check()?;
    let memory = task.memory();
    let set = set.read(&*memory)?;
    let timeout = timeout.some().map(|t| t.read(&*memory)?.duration()).transpose()?;
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let attempt = || signal::take_one_of(task, set);
    let taken = match attempt() {
        Err(Errno::EAGAIN) if timeout.is_some_and(|t| t.is_zero()) => return Err(Errno::EAGAIN),
        Err(Errno::EAGAIN) => {
            signal::set_wanted(task, set);
            let _wanting = Wanting(task);
            wait::condition(task, deadline, attempt).await.map_err(|errno| match errno {
                Errno::ETIMEDOUT => Errno::EAGAIN,
                Errno::ERESTARTSYS => Errno::EINTR,
                other => other,
            })?
        }
        other => other?,
    };
    if let Some(info) = info.some() {
        info.write(&*memory, &taken)?;
    }
    Ok(taken.signo)
}

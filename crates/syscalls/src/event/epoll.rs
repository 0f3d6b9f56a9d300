//! epoll_create(2), epoll_ctl(2), epoll_wait(2) and their relatives.

use std::sync::Arc;

use abi::Errno;
use abi::epoll::{EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLWAKEUP, EpollEvent};
use abi::signal::SignalSet;
use abi::time::Timespec;
use anon::Epoll;
use kernel::{Task, UserPtr, wait};
use vfs::{Capability, Events, Fd, OpenFile, OpenFlags};

use super::ready::Until;
use super::timeout;
use crate::file::descriptor;

/// epoll_create(2): the size is a hint that nobody takes.
///
/// # Errors
/// `EINVAL` for a size that is not positive, `EMFILE`.
pub fn epoll_create(task: &Arc<Task>, size: i32) -> Result<Fd, Errno> {
    if size <= 0 { Err(Errno::EINVAL) } else { epoll_create1(task, 0) }
}

/// epoll_create1(2).
///
/// # Errors
/// `EINVAL` for unknown flags, `EMFILE`.
pub fn epoll_create1(task: &Arc<Task>, flags: u32) -> Result<Fd, Errno> {
    if flags & !EPOLL_CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    descriptor::install_new(task, Epoll::new(), OpenFlags::RDWR, flags & EPOLL_CLOEXEC != 0)
}

fn instance(file: &OpenFile) -> Result<&Epoll, Errno> {
    file.file.as_any().downcast_ref().ok_or(Errno::EINVAL)
}

/// epoll_ctl(2).
///
/// # Errors
/// Those of epoll_ctl(2).
pub fn epoll_ctl(
    task: &Arc<Task>,
    epoll: Fd,
    operation: i32,
    fd: Fd,
    event: UserPtr<EpollEvent>,
) -> Result<(), Errno> {
    let mut given = EpollEvent::default();
    if operation != EPOLL_CTL_DEL {
        given = event.read(&*task.memory())?;
    }
    let set = descriptor::get(task, epoll)?;
    let file = descriptor::get(task, fd)?;
    if file.file.readiness().is_none() {
        return Err(Errno::EPERM);
    }
    if !task.credentials().has(Capability::BlockSuspend) {
        given.events &= !EPOLLWAKEUP;
    }
    let set = instance(&set)?;
    match operation {
        EPOLL_CTL_ADD => set.add(fd.0, &file, given),
        EPOLL_CTL_MOD => set.modify(fd.0, &file, given),
        EPOLL_CTL_DEL => set.remove(fd.0, &file),
        _ => Err(Errno::EINVAL),
    }
}

/// A call that a signal cut short is not run again: signal(7).
async fn wait_until(
    task: &Arc<Task>,
    epoll: Fd,
    events: UserPtr<EpollEvent>,
    most: i32,
    until: Until,
) -> Result<usize, Errno> {
    let largest = i32::MAX.unsigned_abs() as usize / size_of::<EpollEvent>();
    let most = usize::try_from(most).ok().filter(|most| (1..=largest).contains(most)).ok_or(Errno::EINVAL)?;
    let file = descriptor::get(task, epoll)?;
    let set = instance(&file)?;
    let memory = task.memory();
    let attempt = || set.collect(most, |found| events.write_many(&*memory, found));
    let done = match until {
        Until::Now => attempt(),
        Until::Forever => wait::until(task, set.waiters(), Events::IN, attempt).await,
        Until::Deadline(at) => wait::until_deadline(task, set.waiters(), Events::IN, Some(at), attempt).await,
    };
    match done {
        Err(Errno::EAGAIN | Errno::ETIMEDOUT) => Ok(0),
        Err(Errno::ERESTARTSYS) => Err(Errno::EINTR),
        done => done,
    }
}

/// epoll_wait(2).
///
/// # Errors
/// `EBADF`, `EINVAL`, `EFAULT`, `EINTR`.
pub async fn epoll_wait(
    task: &Arc<Task>,
    epoll: Fd,
    events: UserPtr<EpollEvent>,
    most: i32,
    timeout: i32,
) -> Result<usize, Errno> {
    wait_until(task, epoll, events, most, milliseconds(timeout)).await
}

/// The call never runs again, so its timeout never goes on either.
fn milliseconds(timeout: i32) -> Until {
    let span = u64::try_from(timeout).ok().map(std::time::Duration::from_millis);
    timeout::starting_now(span)
}

/// epoll_pwait(2).
///
/// # Errors
/// As [`epoll_wait`].
pub async fn epoll_pwait(
    task: &Arc<Task>,
    epoll: Fd,
    events: UserPtr<EpollEvent>,
    most: i32,
    timeout: i32,
    mask: UserPtr<SignalSet>,
    mask_size: usize,
) -> Result<usize, Errno> {
    timeout::mask(task, mask, mask_size)?;
    wait_until(task, epoll, events, most, milliseconds(timeout)).await
}

/// epoll_pwait2(2).
///
/// # Errors
/// As [`epoll_wait`].
pub async fn epoll_pwait2(
    task: &Arc<Task>,
    epoll: Fd,
    events: UserPtr<EpollEvent>,
    most: i32,
    timeout: UserPtr<Timespec>,
    mask: UserPtr<SignalSet>,
    mask_size: usize,
) -> Result<usize, Errno> {
    let until = timeout::timespec(task, timeout)?;
    timeout::mask(task, mask, mask_size)?;
    wait_until(task, epoll, events, most, until).await
}

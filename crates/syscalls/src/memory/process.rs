//! process_madvise(2), process_mrelease(2).

use std::sync::Arc;

use abi::Errno;
use abi::memory::PAGE_SIZE;
use kernel::memory::IOV_MAX;
use kernel::{Task, UserPtr, inspect, pidfd};
use platform::{Advice, Order};
use vfs::{Capability, Fd};

use super::range::vetted;
use crate::file::descriptor;

const MADV_WILLNEED: i32 = 3;
const MADV_COLD: i32 = 20;
const MADV_PAGEOUT: i32 = 21;

/// Gives advice for ranges of a process. For another one there are only hints, which nobody takes.
///
/// # Errors
/// `EBADF`, `EINVAL`, `EFAULT`, `EPERM`, `ESRCH`, `ENOMEM` for what is not mapped.
pub async fn process_madvise(
    task: &Arc<Task>,
    process: Fd,
    pieces: UserPtr<[u64; 2]>,
    count: usize,
    advice: i32,
    flags: u32,
) -> Result<u64, Errno> {
    if flags != 0 || count > IOV_MAX {
        return Err(Errno::EINVAL);
    }
    let pieces = pieces.read_many(&*task.memory(), count)?;
    let group = pidfd::process(&*descriptor::get(task, process)?)?;
    let own = Arc::ptr_eq(&group, &task.group);
    if !own && !matches!(advice, MADV_COLD | MADV_PAGEOUT | MADV_WILLNEED) {
        return Err(Errno::EINVAL);
    }
    let other = if own { Arc::clone(task) } else { group.representative().ok_or(Errno::ESRCH)? };
    if !own {
        inspect::may_read_real(task, &other)?;
        task.credentials().need(Capability::SysNice)?;
    }
    let mut done = 0_u64;
    for [address, length] in pieces {
        let result =
            if own { advise(task, address, length, advice).await } else { check(&other, address, length) };
        match result {
            Ok(()) => done = done.saturating_add(length),
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(done)
}

async fn advise(task: &Arc<Task>, address: u64, length: u64, advice: i32) -> Result<(), Errno> {
    vetted(address, advice)?;
    let order = Order::Advise { address, length, advice: Advice(advice) };
    match task.perform(vec![order]).await?.pop() {
        Some(Err(errno)) => Err(errno),
        _ => Ok(()),
    }
}

fn check(task: &Task, address: u64, length: u64) -> Result<(), Errno> {
    if !address.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    super::lock::mapped(task, address, length)
}

/// Has the memory of a process that is being killed freed. That is under way already.
///
/// # Errors
/// `EBADF`, `EINVAL` for flags or a process that is not ending, `ESRCH` if it has ended.
pub fn process_mrelease(task: &Arc<Task>, process: Fd, flags: u32) -> Result<(), Errno> {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let group = pidfd::process(&*descriptor::get(task, process)?)?;
    if group.representative().is_none() {
        return Err(Errno::ESRCH);
    }
    if group.exiting().is_none() { Err(Errno::EINVAL) } else { Ok(()) }
}

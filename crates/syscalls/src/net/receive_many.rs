//! recvmmsg(2).

use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::Errno;
use abi::socket::message::{MessageFlags, Mmsghdr, Msghdr};
use kernel::memory::IOV_MAX;
use kernel::{Task, UserPtr};
use vfs::Fd;

use super::descriptor::Open;
use super::receive::receive_header;
use super::send_many::length_of;
use crate::file::descriptor;

/// recvmmsg(2). As in Linux the timeout is looked at only after each message.
///
/// # Errors
/// Those of recv(2), `EINVAL` for a timeout that is none.
pub async fn recvmmsg(
    task: &Arc<Task>,
    fd: Fd,
    headers: UserPtr<Mmsghdr>,
    count: u32,
    flags: u32,
    timeout: UserPtr<[i64; 2]>,
) -> Result<usize, Errno> {
    let deadline = deadline(task, timeout)?;
    let file = descriptor::get(task, fd)?;
    let open = Open::of(&file)?;
    let mut flags = MessageFlags::from_bits_retain(flags);
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(IOV_MAX);
    let mut received = 0_usize;
    while received < count {
        match receive_one(task, open, headers.at(received as u64), flags - MessageFlags::WAITFORONE).await {
            Ok(()) => received = received.saturating_add(1),
            Err(errno) if received == 0 => return Err(errno),
            Err(_) => break,
        }
        if flags.contains(MessageFlags::WAITFORONE) {
            flags |= MessageFlags::DONTWAIT;
        }
        if deadline.is_some_and(|at| Instant::now() >= at) {
            break;
        }
    }
    if let (Some(deadline), Some(timeout)) = (deadline, timeout.some()) {
        let left = deadline.saturating_duration_since(Instant::now());
        let seconds = i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
        timeout.write(&*task.memory(), &[seconds, i64::from(left.subsec_nanos())])?;
    }
    Ok(received)
}

fn deadline(task: &Task, timeout: UserPtr<[i64; 2]>) -> Result<Option<Instant>, Errno> {
    let Some(timeout) = timeout.some() else { return Ok(None) };
    let [seconds, nanoseconds] = timeout.read(&*task.memory())?;
    let seconds = u64::try_from(seconds).map_err(|_| Errno::EINVAL)?;
    let nanoseconds = u32::try_from(nanoseconds).ok().filter(|n| *n < 1_000_000_000).ok_or(Errno::EINVAL)?;
    Ok(Instant::now().checked_add(Duration::new(seconds, nanoseconds)))
}

async fn receive_one(
    task: &Arc<Task>,
    open: Open<'_>,
    at: UserPtr<Mmsghdr>,
    flags: MessageFlags,
) -> Result<(), Errno> {
    let count = receive_header(task, open, UserPtr::<Msghdr>::new(at.addr.0), flags).await?;
    length_of(at).write(&*task.memory(), &u32::try_from(count).unwrap_or(u32::MAX))
}

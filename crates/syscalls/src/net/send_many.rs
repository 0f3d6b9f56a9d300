//! sendmmsg(2).

use std::sync::Arc;

use abi::Errno;
use abi::socket::message::{MessageFlags, Mmsghdr, Msghdr};
use kernel::memory::IOV_MAX;
use kernel::{Task, UserPtr};
use vfs::Fd;

use super::descriptor::Open;
use super::send::send_header;
use crate::file::descriptor;

/// sendmmsg(2): an error is reported only if it is the first message's.
///
/// # Errors
/// Those of send(2).
pub async fn sendmmsg(
    task: &Arc<Task>,
    fd: Fd,
    headers: UserPtr<Mmsghdr>,
    count: u32,
    flags: u32,
) -> Result<usize, Errno> {
    let file = descriptor::get(task, fd)?;
    let open = Open::of(&file)?;
    let flags = MessageFlags::from_bits_retain(flags);
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(IOV_MAX);
    let mut sent = 0_usize;
    while sent < count {
        let header = headers.at(sent as u64);
        match send_one(task, open, header, flags).await {
            Ok(()) => sent = sent.saturating_add(1),
            Err(errno) if sent == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(sent)
}

async fn send_one(
    task: &Arc<Task>,
    open: Open<'_>,
    at: UserPtr<Mmsghdr>,
    flags: MessageFlags,
) -> Result<(), Errno> {
    let count = send_header(task, open, UserPtr::<Msghdr>::new(at.addr.0), flags).await?;
    length_of(at).write(&*task.memory(), &u32::try_from(count).unwrap_or(u32::MAX))
}

/// Where the length of a message is reported.
pub(super) const fn length_of(at: UserPtr<Mmsghdr>) -> UserPtr<u32> {
    UserPtr::new(at.addr.offset(core::mem::offset_of!(Mmsghdr, length) as u64).0)
}

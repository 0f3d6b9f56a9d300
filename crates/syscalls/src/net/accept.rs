//! listen(2), accept(2), accept4(2).

use std::sync::Arc;

use abi::Errno;
use abi::socket::family::{SOCK_CLOEXEC, SOCK_NONBLOCK};
use kernel::{Task, UserAddr, UserPtr};
use socket::SocketFile;
use vfs::{Events, Fd};

use super::address;
use super::descriptor::{Open, caller};
use super::wait::{Patience, patiently};
use crate::file::descriptor;

/// listen(2).
///
/// # Errors
/// `EBADF`, `ENOTSOCK`, `EOPNOTSUPP`, `EINVAL`, `EADDRINUSE`.
pub fn listen(task: &Arc<Task>, fd: Fd, backlog: i32) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    Open::of(&file)?.socket().listen(backlog, &caller(task))
}

/// accept(2).
///
/// # Errors
/// Those of accept(2).
pub async fn accept(
    task: &Arc<Task>,
    fd: Fd,
    peer: UserAddr,
    peer_length: UserPtr<i32>,
) -> Result<Fd, Errno> {
    accept4(task, fd, peer, peer_length, 0).await
}

/// accept4(2).
///
/// # Errors
/// Those of accept(2), `EINVAL` for unknown flags.
pub async fn accept4(
    task: &Arc<Task>,
    fd: Fd,
    peer: UserAddr,
    peer_length: UserPtr<i32>,
    flags: u32,
) -> Result<Fd, Errno> {
    if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    let file = descriptor::get(task, fd)?;
    let open = Open::of(&file)?;
    let patience = Patience::to_receive(open, false);
    let accepted = patiently(task, open, Events::IN, patience, || open.socket().accept()).await?;
    if !peer.is_null() {
        address::write(task, Some(&accepted.peer), peer, peer_length)?;
    }
    let file = SocketFile::open(accepted.socket, flags & SOCK_NONBLOCK != 0);
    descriptor::install(task, file, flags & SOCK_CLOEXEC != 0)
}

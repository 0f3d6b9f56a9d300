//! connect(2).

use std::sync::Arc;

use abi::Errno;
use abi::socket::family::AF_UNIX;
use kernel::{Task, UserAddr};
use socket::{Address, UnixAddress};
use vfs::{Events, Fd};

use super::address;
use super::descriptor::{Open, caller};
use super::wait::{Patience, patiently};
use crate::file::descriptor;

/// connect(2).
///
/// # Errors
/// Those of connect(2).
pub async fn connect(task: &Arc<Task>, fd: Fd, at: UserAddr, length: i32) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    let open = Open::of(&file)?;
    let to = address::read_destination(task, at, length)?;
    let patience = Patience::to_send(open, false);
    let caller = caller(task);
    let attempt = || open.socket().connect(&to, &caller, patience.is_none());
    match patiently(task, open, Events::OUT, patience, attempt).await {
        // `SO_SNDTIMEO` is over: the connection may still come about, unless it is one of AF_UNIX.
        Err(Errno::EAGAIN) if !patience.is_none() && open.socket().core().domain != AF_UNIX => {
            Err(Errno::EINPROGRESS)
        }
        Err(Errno::ECONNREFUSED) => to_host(task, open, &to),
        other => other,
    }
}

/// To a socket of the host that lies there, if nobody here is bound to the place.
fn to_host(task: &Task, open: Open<'_>, to: &Address) -> Result<(), Errno> {
    let Address::Unix(UnixAddress::Path { name, .. }) = to else { return Err(Errno::ECONNREFUSED) };
    let inode = address::lies_at(task, name)?;
    task.kernel.connect_to_host(open.socket(), &inode, to, &task.credentials())
}

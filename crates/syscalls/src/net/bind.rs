//! bind(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserAddr};
use socket::{Address, SocketInode, UnixAddress};
use vfs::{At, Fd};

use super::address;
use super::descriptor::{Open, caller};
use crate::file::descriptor;

/// bind(2). For an AF_UNIX path it makes the socket's inode.
///
/// # Errors
/// Those of bind(2).
pub fn bind(task: &Arc<Task>, fd: Fd, at: UserAddr, length: i32) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    let open = Open::of(&file)?;
    match address::read(task, at, length)? {
        Address::Unix(UnixAddress::Path { name, .. })
            if open.socket().core().domain == abi::socket::family::AF_UNIX =>
        {
            // The file has the socket's mode, which may have been changed before.
            bind_path(task, open, name, file.attributes()?.mode)
        }
        address => open.socket().bind(&address, &caller(task)),
    }
}

fn bind_path(task: &Task, open: Open<'_>, name: Arc<[u8]>, mode: u32) -> Result<(), Errno> {
    let at = At::here(&name);
    let kind = open.socket().core().kind.raw();
    let (inode, host) = task.with_caller(|caller| {
        let made = caller.make_socket(&at, mode, kind);
        let (path, host) = made.map_err(|e| if e == Errno::EEXIST { Errno::EADDRINUSE } else { e })?;
        let inode = path.inode();
        let number = inode.attributes()?.inode;
        Ok::<_, Errno>((SocketInode { device: inode.filesystem().device(), inode: number }, host))
    })?;
    let address = Address::Unix(UnixAddress::Path { name: Arc::clone(&name), inode: Some(inode) });
    let bound = open.socket().bind(&address, &caller(task)).and_then(|()| {
        let credentials = task.credentials();
        host.map_or(Ok(()), |host| task.kernel.bound_on_host(open.socket(), host, &credentials))
    });
    bound.inspect_err(|_| {
        // The name was made for nothing. That it may be gone already changes nothing.
        let _ = task.with_caller(|caller| caller.remove(&at));
    })
}

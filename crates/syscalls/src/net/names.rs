//! getsockname(2), getpeername(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserAddr, UserPtr};
use vfs::Fd;

use super::address;
use super::descriptor::Open;
use crate::file::descriptor;

/// getsockname(2).
///
/// # Errors
/// `EBADF`, `ENOTSOCK`, `EINVAL`, `EFAULT`.
pub fn getsockname(task: &Arc<Task>, fd: Fd, at: UserAddr, length: UserPtr<i32>) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    let name = Open::of(&file)?.socket().local_address()?;
    address::write(task, Some(&name), at, length)
}

/// getpeername(2).
///
/// # Errors
/// As [`getsockname`], `ENOTCONN`.
pub fn getpeername(task: &Arc<Task>, fd: Fd, at: UserAddr, length: UserPtr<i32>) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    let name = Open::of(&file)?.socket().peer_address()?;
    address::write(task, Some(&name), at, length)
}

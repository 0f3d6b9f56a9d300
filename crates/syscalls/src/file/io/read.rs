//! read(2), pread(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserAddr};
use vfs::Fd;

use super::{Place, one, read_at_once, read_file};
use crate::file::descriptor;

/// read(2).
///
/// # Errors
/// `EBADF`, `EISDIR`, `EAGAIN`, `EFAULT`, `EIO`.
pub async fn read(task: &Arc<Task>, fd: Fd, buffer: UserAddr, count: usize) -> Result<usize, Errno> {
    let file = descriptor::get(task, fd)?;
    read_file(task, &file, one(buffer, count)?, Place::Here, false).await
}

/// [`read`] from a file that is always ready. Nothing for others.
///
/// # Errors
/// As [`read`].
pub fn read_now(task: &Arc<Task>, fd: Fd, buffer: UserAddr, count: usize) -> Result<Option<usize>, Errno> {
    let file = descriptor::get(task, fd)?;
    read_at_once(task, &file, one(buffer, count)?, Place::Here)
}

/// pread(2).
///
/// # Errors
/// As [`read`], `EINVAL` for a negative offset, `ESPIPE`.
pub async fn pread(
    task: &Arc<Task>,
    fd: Fd,
    buffer: UserAddr,
    count: usize,
    offset: i64,
) -> Result<usize, Errno> {
    let place = Place::at(offset)?;
    let file = descriptor::get(task, fd)?;
    read_file(task, &file, one(buffer, count)?, place, false).await
}

/// [`pread`] from a file that is always ready. Nothing for others.
///
/// # Errors
/// As [`pread`].
pub fn pread_now(
    task: &Arc<Task>,
    fd: Fd,
    buffer: UserAddr,
    count: usize,
    offset: i64,
) -> Result<Option<usize>, Errno> {
    let place = Place::at(offset)?;
    let file = descriptor::get(task, fd)?;
    read_at_once(task, &file, one(buffer, count)?, place)
}

//! write(2), pwrite(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserAddr};
use vfs::Fd;

use super::{Manner, Place, one, write_at_once, write_file};
use crate::file::descriptor;

/// write(2).
///
/// # Errors
/// `EBADF`, `EAGAIN`, `EPIPE`, `EFBIG`, `ENOSPC`, `EFAULT`, `EIO`.
pub async fn write(task: &Arc<Task>, fd: Fd, buffer: UserAddr, count: usize) -> Result<usize, Errno> {
    let file = descriptor::get(task, fd)?;
    write_file(task, &file, one(buffer, count)?, Place::Here, Manner::default()).await
}

/// [`write()`] to a file that is always ready. Nothing for others.
///
/// # Errors
/// As [`write()`].
pub fn write_now(task: &Arc<Task>, fd: Fd, buffer: UserAddr, count: usize) -> Result<Option<usize>, Errno> {
    let file = descriptor::get(task, fd)?;
    write_at_once(task, &file, one(buffer, count)?, Place::Here)
}

/// pwrite(2).
///
/// # Errors
/// As [`write`], `EINVAL` for a negative offset, `ESPIPE`.
pub async fn pwrite(
    task: &Arc<Task>,
    fd: Fd,
    buffer: UserAddr,
    count: usize,
    offset: i64,
) -> Result<usize, Errno> {
    let place = Place::at(offset)?;
    let file = descriptor::get(task, fd)?;
    write_file(task, &file, one(buffer, count)?, place, Manner::default()).await
}

/// [`pwrite`] to a file that is always ready. Nothing for others.
///
/// # Errors
/// As [`pwrite`].
pub fn pwrite_now(
    task: &Arc<Task>,
    fd: Fd,
    buffer: UserAddr,
    count: usize,
    offset: i64,
) -> Result<Option<usize>, Errno> {
    let place = Place::at(offset)?;
    let file = descriptor::get(task, fd)?;
    write_at_once(task, &file, one(buffer, count)?, place)
}

//! truncate(2), ftruncate(2), fallocate(2).

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use vfs::Fd;

use super::at::{FDCWD, at};
use super::descriptor;
use super::io::limit;
use super::open::without_leases;
use crate::argument::PathPtr;

/// `FALLOC_FL_KEEP_SIZE`.
const KEEP_SIZE: u32 = 1;
/// `FALLOC_FL_PUNCH_HOLE`.
const PUNCH_HOLE: u32 = 2;
/// All modes that Linux knows.
const KNOWN: u32 = 0x7f;

/// truncate(2).
///
/// # Errors
/// Those of truncate(2), `ERESTARTSYS`.
pub async fn truncate(task: &Arc<Task>, path: PathPtr, size: i64) -> Result<(), Errno> {
    let size = u64::try_from(size).map_err(|_| Errno::EINVAL)?;
    limit::allows(task, size)?;
    without_leases(task, true, || at(task, FDCWD, path, |caller, at| caller.truncate(at, size))).await
}

/// ftruncate(2).
///
/// # Errors
/// Those of ftruncate(2).
pub fn ftruncate(task: &Arc<Task>, fd: Fd, size: i64) -> Result<(), Errno> {
    let size = u64::try_from(size).map_err(|_| Errno::EINVAL)?;
    let file = descriptor::get(task, fd)?;
    limit::allows(task, size)?;
    task.with_caller(|caller| caller.truncate_open(&file, size))
}

/// fallocate(2).
///
/// # Errors
/// Those of fallocate(2).
pub fn fallocate(task: &Arc<Task>, fd: Fd, mode: u32, offset: i64, length: i64) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    let offset = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
    let length = u64::try_from(length).ok().filter(|length| *length > 0).ok_or(Errno::EINVAL)?;
    if mode & !KNOWN != 0 || mode & PUNCH_HOLE != 0 && mode & KEEP_SIZE == 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let end = offset.checked_add(length).filter(|end| i64::try_from(*end).is_ok()).ok_or(Errno::EFBIG)?;
    if file.flags().writes() {
        limit::allows(task, end)?;
    }
    file.allocate(mode, offset, length)
}

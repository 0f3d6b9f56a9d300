//! access(2), faccessat(2), faccessat2(2).

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use vfs::resolve::AtFlags;
use vfs::{Access, Fd};

use super::at::{FDCWD, at_or_empty};
use crate::argument::PathPtr;

/// access(2).
///
/// # Errors
/// `EACCES`, `EROFS`, `EINVAL`, and those of the path.
pub fn access(task: &Arc<Task>, path: PathPtr, mode: u32) -> Result<(), Errno> {
    faccessat2(task, FDCWD, path, mode, 0)
}

/// faccessat(2), the system call, which has no flags.
///
/// # Errors
/// As [`access`].
pub fn faccessat(task: &Arc<Task>, directory: Fd, path: PathPtr, mode: u32) -> Result<(), Errno> {
    faccessat2(task, directory, path, mode, 0)
}

/// faccessat2(2).
///
/// # Errors
/// As [`access`].
pub fn faccessat2(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    mode: u32,
    flags: u32,
) -> Result<(), Errno> {
    // `AT_EACCESS` has the number of `AT_REMOVEDIR`.
    let known = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH | AtFlags::REMOVEDIR;
    let flags = AtFlags::parse(flags, known)?;
    let wanted = Access::from_bits(mode).ok_or(Errno::EINVAL)?;
    at_or_empty(task, directory, path, flags, |caller, at| caller.check_access(at, wanted, flags))
}

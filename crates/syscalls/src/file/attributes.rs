//! chmod(2), chown(2) and their relatives.

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use vfs::caller::Found;
use vfs::ops::OwnerChange;
use vfs::resolve::AtFlags;
use vfs::{Fd, OpenFlags};

use super::at::{FDCWD, at, at_or_empty};
use super::descriptor;
use crate::argument::PathPtr;

/// chmod(2).
///
/// # Errors
/// Those of chmod(2).
pub fn chmod(task: &Arc<Task>, path: PathPtr, mode: u32) -> Result<(), Errno> {
    fchmodat(task, FDCWD, path, mode)
}

/// fchmod(2).
///
/// # Errors
/// `EBADF`, and those of chmod(2).
pub fn fchmod(task: &Arc<Task>, fd: Fd, mode: u32) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    task.with_caller(|caller| caller.change_mode_of(&Found::of(file), mode))
}

/// fchmodat(2), the system call, which has no flags.
///
/// # Errors
/// Those of chmod(2).
pub fn fchmodat(task: &Arc<Task>, directory: Fd, path: PathPtr, mode: u32) -> Result<(), Errno> {
    at(task, directory, path, |caller, at| caller.change_mode(at, mode, AtFlags::empty()))
}

/// fchmodat2(2).
///
/// # Errors
/// Those of chmod(2), `EINVAL` for unknown flags.
pub fn fchmodat2(task: &Arc<Task>, directory: Fd, path: PathPtr, mode: u32, flags: u32) -> Result<(), Errno> {
    let flags = AtFlags::parse(flags, AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH)?;
    at_or_empty(task, directory, path, flags, |caller, at| caller.change_mode(at, mode, flags))
}

/// -1 leaves it as it is.
fn owner(uid: u32, gid: u32) -> OwnerChange {
    let id = |id: u32| (id != u32::MAX).then_some(id);
    OwnerChange { uid: id(uid), gid: id(gid) }
}

/// chown(2).
///
/// # Errors
/// Those of chown(2).
pub fn chown(task: &Arc<Task>, path: PathPtr, uid: u32, gid: u32) -> Result<(), Errno> {
    fchownat(task, FDCWD, path, uid, gid, 0)
}

/// lchown(2).
///
/// # Errors
/// Those of chown(2).
pub fn lchown(task: &Arc<Task>, path: PathPtr, uid: u32, gid: u32) -> Result<(), Errno> {
    fchownat(task, FDCWD, path, uid, gid, AtFlags::SYMLINK_NOFOLLOW.bits())
}

/// fchown(2).
///
/// # Errors
/// `EBADF`, and those of chown(2).
pub fn fchown(task: &Arc<Task>, fd: Fd, uid: u32, gid: u32) -> Result<(), Errno> {
    let file = task.files().get(fd)?;
    if file.flags().contains(OpenFlags::PATH) {
        return Err(Errno::EBADF);
    }
    task.with_caller(|caller| caller.change_owner_of(&Found::of(file), owner(uid, gid)))
}

/// fchownat(2).
///
/// # Errors
/// Those of chown(2), `EINVAL` for unknown flags.
pub fn fchownat(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    uid: u32,
    gid: u32,
    flags: u32,
) -> Result<(), Errno> {
    let flags = AtFlags::parse(flags, AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH)?;
    at_or_empty(task, directory, path, flags, |caller, at| caller.change_owner(at, owner(uid, gid), flags))
}

//! Names: link(2), symlink(2), readlink(2), unlink(2), rename(2), mkdir(2), rmdir(2), mknod(2), and their *at forms.

use std::sync::Arc;

use abi::Errno;
use kernel::memory::write_all;
use kernel::{Task, UserAddr};
use vfs::resolve::AtFlags;
use vfs::{Device, Fd, RenameFlags};

use super::at::{FDCWD, at, at_both};
use crate::argument::PathPtr;

/// mkdir(2).
///
/// # Errors
/// Those of mkdir(2).
pub fn mkdir(task: &Arc<Task>, path: PathPtr, mode: u32) -> Result<(), Errno> {
    mkdirat(task, FDCWD, path, mode)
}

/// mkdirat(2).
///
/// # Errors
/// Those of mkdir(2).
pub fn mkdirat(task: &Arc<Task>, directory: Fd, path: PathPtr, mode: u32) -> Result<(), Errno> {
    at(task, directory, path, |caller, at| caller.make_directory(at, mode).map(drop))
}

/// mknod(2).
///
/// # Errors
/// Those of mknod(2).
pub fn mknod(task: &Arc<Task>, path: PathPtr, mode: u32, device: u32) -> Result<(), Errno> {
    mknodat(task, FDCWD, path, mode, device)
}

/// mknodat(2).
///
/// # Errors
/// Those of mknod(2).
pub fn mknodat(task: &Arc<Task>, directory: Fd, path: PathPtr, mode: u32, device: u32) -> Result<(), Errno> {
    let device = Device::decode(u64::from(device));
    at(task, directory, path, |caller, at| caller.make_node(at, mode, device).map(drop))
}

/// symlink(2).
///
/// # Errors
/// Those of symlink(2).
pub fn symlink(task: &Arc<Task>, target: PathPtr, path: PathPtr) -> Result<(), Errno> {
    symlinkat(task, target, FDCWD, path)
}

/// symlinkat(2).
///
/// # Errors
/// Those of symlink(2).
pub fn symlinkat(task: &Arc<Task>, target: PathPtr, directory: Fd, path: PathPtr) -> Result<(), Errno> {
    let target = target.read(task)?;
    at(task, directory, path, |caller, at| caller.make_symlink(&target, at))
}

/// link(2).
///
/// # Errors
/// Those of link(2).
pub fn link(task: &Arc<Task>, from: PathPtr, to: PathPtr) -> Result<(), Errno> {
    linkat(task, FDCWD, from, FDCWD, to, 0)
}

/// linkat(2).
///
/// # Errors
/// Those of link(2).
pub fn linkat(
    task: &Arc<Task>,
    from_directory: Fd,
    from: PathPtr,
    to_directory: Fd,
    to: PathPtr,
    flags: u32,
) -> Result<(), Errno> {
    let flags = AtFlags::parse(flags, AtFlags::SYMLINK_FOLLOW | AtFlags::EMPTY_PATH)?;
    at_both(task, (from_directory, from), (to_directory, to), |caller, from, to| caller.link(from, to, flags))
}

/// unlink(2).
///
/// # Errors
/// Those of unlink(2).
pub fn unlink(task: &Arc<Task>, path: PathPtr) -> Result<(), Errno> {
    at(task, FDCWD, path, |caller, at| caller.remove(at))
}

/// rmdir(2).
///
/// # Errors
/// Those of rmdir(2).
pub fn rmdir(task: &Arc<Task>, path: PathPtr) -> Result<(), Errno> {
    at(task, FDCWD, path, |caller, at| caller.remove_directory(at))
}

/// unlinkat(2).
///
/// # Errors
/// Those of unlink(2) and rmdir(2).
pub fn unlinkat(task: &Arc<Task>, directory: Fd, path: PathPtr, flags: u32) -> Result<(), Errno> {
    let flags = AtFlags::parse(flags, AtFlags::REMOVEDIR)?;
    at(task, directory, path, |caller, at| {
        if flags.contains(AtFlags::REMOVEDIR) { caller.remove_directory(at) } else { caller.remove(at) }
    })
}

/// rename(2).
///
/// # Errors
/// Those of rename(2).
pub fn rename(task: &Arc<Task>, from: PathPtr, to: PathPtr) -> Result<(), Errno> {
    renameat2(task, FDCWD, from, FDCWD, to, 0)
}

/// renameat(2).
///
/// # Errors
/// Those of rename(2).
pub fn renameat(
    task: &Arc<Task>,
    from_directory: Fd,
    from: PathPtr,
    to_directory: Fd,
    to: PathPtr,
) -> Result<(), Errno> {
    renameat2(task, from_directory, from, to_directory, to, 0)
}

/// renameat2(2).
///
/// # Errors
/// Those of rename(2), `EINVAL` for unknown or contradicting flags.
pub fn renameat2(
    task: &Arc<Task>,
    from_directory: Fd,
    from: PathPtr,
    to_directory: Fd,
    to: PathPtr,
    flags: u32,
) -> Result<(), Errno> {
    let flags = RenameFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
    at_both(task, (from_directory, from), (to_directory, to), |caller, from, to| {
        caller.rename(from, to, flags)
    })
}

/// readlink(2).
///
/// # Errors
/// Those of readlink(2).
pub fn readlink(task: &Arc<Task>, path: PathPtr, buffer: UserAddr, size: i32) -> Result<usize, Errno> {
    readlinkat(task, FDCWD, path, buffer, size)
}

/// readlinkat(2). Longer texts are cut.
///
/// # Errors
/// Those of readlink(2).
pub fn readlinkat(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    buffer: UserAddr,
    size: i32,
) -> Result<usize, Errno> {
    let size = usize::try_from(size).ok().filter(|size| *size > 0).ok_or(Errno::EINVAL)?;
    let target = at(task, directory, path, |caller, at| caller.read_link(at))?;
    let text = target.get(..size).unwrap_or(&target);
    write_all(&*task.memory(), buffer, text)?;
    Ok(text.len())
}

//! getcwd(2), chdir(2), fchdir(2), chroot(2), umask(2).

use std::sync::Arc;

use abi::Errno;
use kernel::memory::write_all;
use kernel::{Task, UserAddr};
use vfs::caller::Found;
use vfs::{Capability, Fd};

use super::at::{FDCWD, at};
use crate::argument::PathPtr;

/// getcwd(2), the system call: returns the length with the NUL.
///
/// # Errors
/// `ERANGE`, `ENOENT` if the directory was removed, `EFAULT`.
pub fn getcwd(task: &Arc<Task>, buffer: UserAddr, size: usize) -> Result<usize, Errno> {
    let context = task.fs_now();
    let mut name = vfs::path_name::working_directory(&context.cwd, &context.root)?;
    name.push(0);
    if name.len() > size {
        return Err(Errno::ERANGE);
    }
    write_all(&*task.memory(), buffer, &name)?;
    Ok(name.len())
}

/// chdir(2).
///
/// # Errors
/// `ENOTDIR`, `EACCES`, and those of the path.
pub fn chdir(task: &Arc<Task>, path: PathPtr) -> Result<(), Errno> {
    let place = at(task, FDCWD, path, |caller, at| caller.find_directory(at))?;
    let old = task.fs().change(|fs| std::mem::replace(&mut fs.cwd, place));
    drop(old);
    Ok(())
}

/// fchdir(2).
///
/// # Errors
/// `EBADF`, `ENOTDIR`, `EACCES`.
pub fn fchdir(task: &Arc<Task>, fd: Fd) -> Result<(), Errno> {
    let place = Found::of(task.files().get(fd)?).path_or(Errno::ENOTDIR)?;
    task.with_caller(|caller| caller.may_enter(&place))?;
    let old = task.fs().change(|fs| std::mem::replace(&mut fs.cwd, place));
    drop(old);
    Ok(())
}

/// chroot(2).
///
/// # Errors
/// `EPERM` without CAP_SYS_CHROOT, `ENOTDIR`, `EACCES`, and those of the path.
pub fn chroot(task: &Arc<Task>, path: PathPtr) -> Result<(), Errno> {
    let place = at(task, FDCWD, path, |caller, at| {
        let place = caller.find_directory(at)?;
        caller.credentials.need_here(Capability::SysChroot)?;
        Ok(place)
    })?;
    let old = task.fs().change(|fs| std::mem::replace(&mut fs.root, place));
    drop(old);
    Ok(())
}

/// umask(2). Returns the mask before.
///
/// # Errors
/// None.
pub fn umask(task: &Arc<Task>, mask: u32) -> Result<u32, Errno> {
    Ok(task.fs().change(|fs| std::mem::replace(&mut fs.umask, mask & 0o777)))
}

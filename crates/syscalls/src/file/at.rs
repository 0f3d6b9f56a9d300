//! Paths as the *at calls take them: one way from `dirfd`, `pathname` and `flags` to an operation of the VFS.

use abi::Errno;
use kernel::Task;
use vfs::caller::Caller;
use vfs::resolve::AtFlags;
use vfs::{At, Fd};

use crate::argument::PathPtr;

/// `AT_FDCWD`.
pub(crate) const FDCWD: Fd = Fd(At::FDCWD);

/// Carries out an operation on the path that the guest passed.
///
/// # Errors
/// `EFAULT`, `ENAMETOOLONG`, and the operation's.
pub(crate) fn at<R>(
    task: &Task,
    directory: Fd,
    path: PathPtr,
    act: impl FnOnce(&Caller<'_>, &At<'_>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let path = path.read(task)?;
    task.with_caller(|caller| act(caller, &At::new(directory, &path)))
}

/// As [`at`] for calls that take the null pointer for an empty path if the flags have `AT_EMPTY_PATH`, as Linux does since 6.11.
///
/// # Errors
/// As [`at`].
pub(crate) fn at_or_empty<R>(
    task: &Task,
    directory: Fd,
    path: PathPtr,
    flags: AtFlags,
    act: impl FnOnce(&Caller<'_>, &At<'_>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    if path.0.is_null() && flags.contains(AtFlags::EMPTY_PATH) {
        return task.with_caller(|caller| act(caller, &At::new(directory, b"")));
    }
    at(task, directory, path, act)
}

/// Carries out an operation on two paths.
///
/// # Errors
/// As [`at`].
pub(crate) fn at_both<R>(
    task: &Task,
    (from_directory, from): (Fd, PathPtr),
    (to_directory, to): (Fd, PathPtr),
    act: impl FnOnce(&Caller<'_>, &At<'_>, &At<'_>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let (from, to) = (from.read(task)?, to.read(task)?);
    task.with_caller(|caller| act(caller, &At::new(from_directory, &from), &At::new(to_directory, &to)))
}

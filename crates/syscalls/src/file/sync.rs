//! fsync(2), fdatasync(2), sync(2), syncfs(2), sync_file_range(2).

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use vfs::Fd;

use super::descriptor;

/// `SYNC_FILE_RANGE_*`.
const RANGE_KNOWN: u32 = 7;

/// fsync(2).
///
/// # Errors
/// `EBADF`, `EINVAL` for a file without storage, `EIO`, `ENOSPC`.
pub fn fsync(task: &Arc<Task>, fd: Fd) -> Result<(), Errno> {
    descriptor::get(task, fd)?.file.sync(false)
}

/// fdatasync(2).
///
/// # Errors
/// As [`fsync`].
pub fn fdatasync(task: &Arc<Task>, fd: Fd) -> Result<(), Errno> {
    descriptor::get(task, fd)?.file.sync(true)
}

/// sync(2): all filesystems that the caller sees.
///
/// # Errors
/// None: as Linux, nothing is reported.
pub fn sync(task: &Arc<Task>) -> Result<(), Errno> {
    let namespace = Arc::clone(&task.fs_now().namespace);
    for mount in namespace.mounts() {
        if let Err(error) = mount.superblock().filesystem().sync() {
            tracing::warn!(%error, "a filesystem could not be written back");
        }
    }
    Ok(())
}

/// syncfs(2).
///
/// # Errors
/// `EBADF`, `EIO`, `ENOSPC`.
pub fn syncfs(task: &Arc<Task>, fd: Fd) -> Result<(), Errno> {
    match descriptor::get(task, fd)?.inode() {
        Some(inode) => inode.filesystem().sync(),
        None => Ok(()),
    }
}

/// sync_file_range(2): writes back all of the file's data, which is more than was asked for.
///
/// # Errors
/// `EBADF`, `EINVAL`, `ESPIPE`, `EIO`.
pub fn sync_file_range(task: &Arc<Task>, fd: Fd, offset: i64, length: i64, flags: u32) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    let wrong = offset < 0 || length < 0 || offset.checked_add(length).is_none() || flags & !RANGE_KNOWN != 0;
    if wrong {
        return Err(Errno::EINVAL);
    }
    if !file.file.seekable() {
        return Err(Errno::ESPIPE);
    }
    if flags == 0 { Ok(()) } else { file.file.sync(true) }
}

//! From a descriptor to a file, and back.

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use kernel::limits::Resource;
use vfs::{Fd, OpenFile, OpenFlags};

/// The file of a descriptor, opened for use: one opened with `O_PATH` is none.
///
/// # Errors
/// `EBADF`.
pub(crate) fn get(task: &Task, fd: Fd) -> Result<Arc<OpenFile>, Errno> {
    let file = task.files().get(fd)?;
    if file.flags().contains(OpenFlags::PATH) { Err(Errno::EBADF) } else { Ok(file) }
}

/// One more than the largest descriptor that the task may open (`RLIMIT_NOFILE`).
pub(crate) fn limit(task: &Task) -> usize {
    task.group.limits.lock().count(Resource::Nofile)
}

/// Gives a file the lowest free descriptor.
///
/// # Errors
/// `EMFILE`.
pub(crate) fn install(task: &Task, file: Arc<OpenFile>, close_on_exec: bool) -> Result<Fd, Errno> {
    task.files().install(file, close_on_exec, 0, limit(task))
}

/// Gives a file without a name a description and a descriptor.
///
/// # Errors
/// `EMFILE`.
pub(crate) fn install_new(
    task: &Task,
    file: Arc<dyn vfs::File>,
    flags: OpenFlags,
    close_on_exec: bool,
) -> Result<Fd, Errno> {
    install(task, OpenFile::new(file, None, flags, Arc::clone(&task.credentials())), close_on_exec)
}

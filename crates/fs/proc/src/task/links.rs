//! /proc/PID/cwd, root and exe.

use abi::Errno;
use kernel::Task;
use vfs::inode::LinkTarget;

pub(super) fn cwd(task: &Task) -> Result<LinkTarget, Errno> {
    Ok(LinkTarget::Place(task.fs_now().cwd.clone()))
}

pub(super) fn root(task: &Task) -> Result<LinkTarget, Errno> {
    Ok(LinkTarget::Place(task.fs_now().root.clone()))
}

pub(super) fn exe(task: &Task) -> Result<LinkTarget, Errno> {
    let executable = task.space().image.lock().executable.clone();
    executable.ok_or(Errno::ENOENT)
}

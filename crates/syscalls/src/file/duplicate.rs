//! dup(2), dup2(2), dup3(2).

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use vfs::{Fd, OpenFlags};

use super::descriptor;

/// dup(2).
///
/// # Errors
/// `EBADF`, `EMFILE`.
pub fn dup(task: &Arc<Task>, fd: Fd) -> Result<Fd, Errno> {
    descriptor::install(task, task.files().get(fd)?, false)
}

/// dup2(2).
///
/// # Errors
/// `EBADF`.
pub fn dup2(task: &Arc<Task>, old: Fd, new: Fd) -> Result<Fd, Errno> {
    if old == new {
        task.files().get(old)?;
        return Ok(new);
    }
    replace(task, old, new, false)
}

/// dup3(2).
///
/// # Errors
/// `EBADF`, `EINVAL` for the same descriptor twice or unknown flags.
pub fn dup3(task: &Arc<Task>, old: Fd, new: Fd, flags: u32) -> Result<Fd, Errno> {
    if old == new || flags & !OpenFlags::CLOEXEC.bits() != 0 {
        return Err(Errno::EINVAL);
    }
    replace(task, old, new, flags != 0)
}

fn replace(task: &Arc<Task>, old: Fd, new: Fd, close_on_exec: bool) -> Result<Fd, Errno> {
    let files = task.files();
    let replaced = files.replace(new, files.get(old)?, close_on_exec, descriptor::limit(task))?;
    if let Some(file) = replaced {
        // As Linux, what closing reports is lost.
        let _ = files.closed(&file);
    }
    Ok(new)
}

//! pidfd_open(2) and pidfd_getfd(2).

use std::sync::Arc;

use abi::Errno;
use kernel::limits::Resource;
use kernel::{Task, pidfd};
use vfs::{Fd, OpenFlags};

/// Opens a descriptor for a process.
///
/// # Errors
/// `EINVAL` for unknown flags or the id of a thread that leads no process, `ESRCH`, `EMFILE`.
pub fn pidfd_open(task: &Arc<Task>, pid: i32, flags: u32) -> Result<Fd, Errno> {
    if flags & !OpenFlags::NONBLOCK.bits() != 0 || pid <= 0 {
        return Err(Errno::EINVAL);
    }
    let Some(group) = task.group_of(pid) else {
        return Err(if task.task_of(pid).is_some() { Errno::EINVAL } else { Errno::ESRCH });
    };
    let file = pidfd::open(&group, OpenFlags::from_bits_retain(flags), &task.credentials());
    install(task, file)
}

/// Takes a copy of another process's descriptor.
///
/// # Errors
/// `EINVAL`, `EBADF`, `ESRCH`, `EPERM` if the caller may not look into that process, `EMFILE`.
pub fn pidfd_getfd(task: &Arc<Task>, process: Fd, target: Fd, flags: u32) -> Result<Fd, Errno> {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let group = pidfd::process(&*task.files().get(process)?)?;
    let other = group.representative().ok_or(Errno::ESRCH)?;
    kernel::inspect::may_attach(task, &other)?;
    let file = other.files().get(target)?;
    install(task, file)
}

fn install(task: &Task, file: Arc<vfs::OpenFile>) -> Result<Fd, Errno> {
    let limit = task.group.limits.lock().count(Resource::Nofile);
    task.files().install(file, true, 0, limit)
}

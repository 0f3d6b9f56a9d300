//! pipe(2), pipe2(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserPtr};
use vfs::{Fd, OpenFlags, Owner};

use super::descriptor;

/// pipe(2).
///
/// # Errors
/// `EMFILE`, `EFAULT`.
pub fn pipe(task: &Arc<Task>, into: UserPtr<[i32; 2]>) -> Result<(), Errno> {
    pipe2(task, into, 0)
}

/// pipe2(2).
///
/// # Errors
/// `EINVAL`, `EMFILE`, `EFAULT`.
pub fn pipe2(task: &Arc<Task>, into: UserPtr<[i32; 2]>, flags: u32) -> Result<(), Errno> {
    let known = OpenFlags::CLOEXEC | OpenFlags::NONBLOCK | OpenFlags::DIRECT;
    let flags = OpenFlags::from_bits(flags).filter(|flags| known.contains(*flags)).ok_or(Errno::EINVAL)?;
    let (close_on_exec, kept) = (flags.contains(OpenFlags::CLOEXEC), flags.difference(OpenFlags::CLOEXEC));
    let credentials = task.credentials();
    let owner = Owner { uid: credentials.fsuid, gid: credentials.fsgid };
    let (reading, writing) = pipe::pair(owner, flags.contains(OpenFlags::DIRECT));
    let reading = descriptor::install_new(task, reading, kept, close_on_exec)?;
    let installed =
        descriptor::install_new(task, writing, kept | OpenFlags::WRONLY, close_on_exec).and_then(|writing| {
            into.write(&*task.memory(), &[reading.0, writing.0]).map_err(|e| undo(task, writing, e))
        });
    installed.map_err(|errno| undo(task, reading, errno))
}

/// The guest never learned of a descriptor.
fn undo(task: &Task, fd: Fd, errno: Errno) -> Errno {
    let removed = task.files().remove(fd);
    drop(removed);
    errno
}

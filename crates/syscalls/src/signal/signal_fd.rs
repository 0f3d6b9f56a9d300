//! signalfd(2), signalfd4(2).

use std::sync::Arc;

use abi::Errno;
use abi::signal::SignalSet;
use kernel::limits::Resource;
use kernel::signal::SignalFd;
use kernel::{Task, UserPtr};
use vfs::{Fd, OpenFile, OpenFlags};

use super::SetSize;

/// signalfd(2): without flags.
///
/// # Errors
/// As [`signalfd4`].
pub fn signalfd(task: &Arc<Task>, fd: Fd, set: UserPtr<SignalSet>, size: SetSize) -> Result<Fd, Errno> {
    signalfd4(task, fd, set, size, 0)
}

/// Makes a file to read signals from, or has an existing one (`fd` not -1) be about other signals.
///
/// # Errors
/// `EINVAL` for unknown flags, a bad size or a file of another kind, `EBADF`, `EMFILE`, `EFAULT`.
pub fn signalfd4(
    task: &Arc<Task>,
    fd: Fd,
    set: UserPtr<SignalSet>,
    size: SetSize,
    flags: u32,
) -> Result<Fd, Errno> {
    size.check()?;
    let set = set.read(&*task.memory())?;
    let flags = OpenFlags::from_bits_retain(flags);
    if !(OpenFlags::CLOEXEC | OpenFlags::NONBLOCK).contains(flags) {
        return Err(Errno::EINVAL);
    }
    if fd != Fd(-1) {
        let file = task.files().get(fd)?;
        let existing: &SignalFd = file.file.as_any().downcast_ref().ok_or(Errno::EINVAL)?;
        existing.set(set);
        return Ok(fd);
    }
    let file = SignalFd::new(&task.kernel, set);
    let file = OpenFile::new(file, None, flags | OpenFlags::RDWR, Arc::clone(&task.credentials()));
    let limit = task.group.limits.lock().count(Resource::Nofile);
    task.files().install(file, flags.contains(OpenFlags::CLOEXEC), 0, limit)
}

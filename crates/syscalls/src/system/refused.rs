//! Calls that a container's processes may not make, as Linux refuses them without privilege.

use std::sync::Arc;

use abi::Errno;
use kernel::Task;

/// What unshare(2) can undo sharing of.
const CLONE_FS: u64 = 0x200;
const CLONE_FILES: u64 = 0x400;
/// System V semaphore adjustments, of which there are none.
const CLONE_SYSVSEM: u64 = 0x4_0000;
/// All `CLONE_NEW*`.
const NAMESPACES: u64 = 0x7e02_0080;

/// What concerns the machine as a whole, whoever asks.
///
/// # Errors
/// `EPERM` always.
pub fn not_permitted(_: &Arc<Task>) -> Result<u64, Errno> {
    Err(Errno::EPERM)
}

/// Stops sharing descriptors and the place in the filesystem.
///
/// # Errors
/// `EINVAL` for unknown flags and for namespaces, which this kernel does not make; `EPERM` for namespaces without CAP_SYS_ADMIN.
pub fn unshare(task: &Arc<Task>, flags: u64) -> Result<(), Errno> {
    if flags & !(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | NAMESPACES) != 0 {
        return Err(Errno::EINVAL);
    }
    if flags & NAMESPACES != 0 {
        task.credentials().need(vfs::Capability::SysAdmin)?;
        return Err(Errno::EINVAL);
    }
    if flags & CLONE_FS != 0 {
        let own = task.fs().lock().clone();
        task.set_fs(Arc::new(parking_lot::Mutex::new(own)));
    }
    if flags & CLONE_FILES != 0 {
        let own = task.files().fork();
        drop(task.replace_files(own));
    }
    Ok(())
}

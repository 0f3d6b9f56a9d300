//! unshare(2), setns(2).

use std::sync::Arc;

use abi::Errno;
use abi::clone::CloneFlags;
use kernel::namespace::{self, NamespaceFile};
use kernel::{Task, pidfd};
use vfs::Fd;

/// Stops sharing: descriptors, the place in the filesystem, namespaces.
///
/// # Errors
/// `EINVAL` for unknown flags, for what several threads share and for kinds of namespaces that this kernel does not make; `EPERM` for
/// namespaces without CAP_SYS_ADMIN; `ENOSPC` for too many.
pub fn unshare(task: &Arc<Task>, flags: u64) -> Result<(), Errno> {
    let threads = CloneFlags::THREAD | CloneFlags::SIGHAND | CloneFlags::VM;
    let rest = CloneFlags::FS | CloneFlags::FILES | CloneFlags::SYSVSEM | CloneFlags::NAMESPACES;
    let known = threads | rest;
    let flags = CloneFlags::from_bits(flags).filter(|flags| known.contains(*flags)).ok_or(Errno::EINVAL)?;
    namespace::unshare(task, flags)
}

/// Enters the namespace that a descriptor refers to, or those of a process that a pidfd refers to.
///
/// # Errors
/// `EBADF`, `EINVAL` if it refers to neither or to another kind, `EPERM`, `ESRCH` if the process has ended.
pub fn setns(task: &Arc<Task>, fd: Fd, kinds: u32) -> Result<(), Errno> {
    let file = task.files().get(fd)?;
    let kinds = CloneFlags::from_bits(kinds.into()).ok_or(Errno::EINVAL)?;
    if let Ok(group) = pidfd::process(&file) {
        let other = group.representative().ok_or(Errno::ESRCH)?;
        return namespace::enter_of(task, &other, kinds);
    }
    let opened: Option<&NamespaceFile> = file.file.as_any().downcast_ref();
    namespace::enter(task, &opened.ok_or(Errno::EINVAL)?.0, kinds)
}

//! Mount namespaces and mount attributes, where no safe crate has them.

use std::os::fd::{AsFd, AsRawFd};

use abi::Errno;

/// Gives the process a mount namespace of its own. Call it while the process has one thread: the working directory and root are
/// no longer shared with other threads either.
///
/// # Errors
/// `EPERM` without `CAP_SYS_ADMIN`, `ENOSPC` at the limit of namespaces.
pub fn unshare_mounts() -> Result<(), Errno> {
    // SAFETY: a new mount namespace takes nothing away that safe code relies on: memory and descriptors stay as they are.
    check(unsafe { libc::unshare(libc::CLONE_NEWNS) }.into())
}

bitflags::bitflags! {
    /// Attributes of a mount (`MOUNT_ATTR_*` of mount_setattr(2)).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MountAttributes: u64 {
        /// No changes.
        const READ_ONLY = 0x1;
        /// Set-user-ID bits have no effect.
        const NO_SUID = 0x2;
        /// Device nodes cannot be opened.
        const NO_DEVICES = 0x4;
        /// Nothing can be executed.
        const NO_EXEC = 0x8;
    }
}

/// Sets attributes of the mount whose root this descriptor is, and if `recursive` of all mounts below it.
///
/// # Errors
/// `EINVAL` if the descriptor is no mount's root, `EPERM`, `EBUSY` for a read-only mount with open writers.
pub fn set_mount_attributes(mount: impl AsFd, set: MountAttributes, recursive: bool) -> Result<(), Errno> {
    let attributes = libc::mount_attr { attr_set: set.bits(), attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a NUL-terminated string and `attributes` a structure of the size given; the kernel writes neither.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    })
}

fn check(result: libc::c_long) -> Result<(), Errno> {
    if result == 0 { Ok(()) } else { Err(crate::last_errno()) }
}

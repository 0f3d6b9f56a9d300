//! umount2(2).

use std::sync::Arc;

use abi::Errno;

use super::remount::reconfigure;
use crate::Capability;
use crate::caller::{At, Caller};
use crate::mount_detach::{counterparts_in_use, detach, in_use};
use crate::mount_flags::MountLocks;
use crate::mount_tree::TreeChange;
use crate::path::Path;
use crate::resolve::Lookup;

bitflags::bitflags! {
    /// Flags of umount2(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct UnmountFlags: u32 {
        /// Abort requests (no effect here).
        const FORCE = 1;
        /// Take it out of the tree now; it ends with its last user.
        const DETACH = 2;
        /// Mark it expired, or unmount it if it was marked.
        const EXPIRE = 4;
        /// Do not follow a symbolic link.
        const NOFOLLOW = 8;
    }
}

impl Caller<'_> {
    /// umount2(2).
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` if the place is no mount's root or the root of the namespace, `EBUSY` if it is in use,
    /// `EAGAIN` if `EXPIRE` has only marked it.
    pub fn unmount(&self, at: &At<'_>, flags: UnmountFlags) -> Result<(), Errno> {
        let lookup = if flags.contains(UnmountFlags::NOFOLLOW) { Lookup::empty() } else { Lookup::FOLLOW };
        // What is mounted over the working directory goes by the name of that too.
        let path = self.find_path(at, lookup)?.topmost();
        self.may_mount()?;
        self.own_mount(&path)?;
        let detaches = flags.contains(UnmountFlags::DETACH);
        let is_root = Arc::ptr_eq(&path.mount, &self.root.mount);
        let expires = flags.contains(UnmountFlags::EXPIRE);
        let owner = path.mount.superblock().user();
        if flags.contains(UnmountFlags::FORCE) && !self.credentials.has_in(Capability::SysAdmin, owner) {
            return Err(Errno::EPERM);
        }
        if expires && (is_root || detaches || flags.contains(UnmountFlags::FORCE)) {
            return Err(Errno::EINVAL);
        }
        if is_root && !detaches {
            // As at the end of a machine's day: what cannot go becomes read-only.
            self.credentials.need_in(Capability::SysAdmin, owner)?;
            return reconfigure(path.mount.superblock(), true, b"");
        }
        let mut change = TreeChange::begin();
        if path.mount.mountpoint().is_none() || path.mount.locks().contains(MountLocks::PLACE) {
            return Err(Errno::EINVAL);
        }
        if !detaches {
            self.may_go(&path, expires)?;
        }
        detach(&mut change, &path.mount);
        drop(change);
        let superblock = path.mount.superblock();
        if !self.namespace.mounts().iter().any(|mount| Arc::ptr_eq(mount.superblock(), superblock)) {
            crate::notify::unmounted(superblock.root());
        }
        Ok(())
    }

    /// Whether nobody uses the mount at `path`, the caller's only reference to it.
    fn may_go(&self, path: &Path, expires: bool) -> Result<(), Errno> {
        if !path.mount.children().is_empty() || in_use(&path.mount, 1) {
            return Err(Errno::EBUSY);
        }
        if expires && !path.mount.expire() {
            return Err(Errno::EAGAIN);
        }
        if counterparts_in_use(&path.mount) {
            return Err(Errno::EBUSY);
        }
        path.mount.superblock().filesystem().sync()
    }
}

//! mount(2) and umount2(2), below the reading of their arguments.

use std::sync::Arc;

use abi::Errno;

use crate::caller::{At, Caller};
use crate::mount::Mount;
use crate::mount_flags::MountFlags;
use crate::mount_namespace::{copy_one, copy_tree, tree};
use crate::path::Path;
use crate::resolve::Lookup;
use crate::{Capability, FileKind};

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
    /// Mounts something new.
    ///
    /// # Errors
    /// `EPERM` without CAP_SYS_ADMIN, and as [`crate::MountNamespace::attach`].
    pub fn mount(&self, at: &At<'_>, mount: &Arc<Mount>) -> Result<(), Errno> {
        self.credentials.need(Capability::SysAdmin)?;
        let place = self.find_path(at, Lookup::FOLLOW)?;
        self.namespace.attach(&place, mount)
    }

    /// `MS_BIND`: shows a place at another one, with the mounts below it if `recursive`.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` if the source lies in another namespace.
    pub fn bind_mount(&self, from: &At<'_>, to: &At<'_>, recursive: bool) -> Result<(), Errno> {
        self.credentials.need(Capability::SysAdmin)?;
        let to = self.find_path(to, Lookup::FOLLOW)?;
        let from = self.find_path(from, Lookup::FOLLOW)?;
        if !self.namespace.contains(&from.mount) {
            return Err(Errno::EINVAL);
        }
        let guard = self.namespace.lock();
        let copy = if recursive {
            copy_tree(&from.mount, &from.dentry).0
        } else {
            copy_one(&from.mount, &from.dentry)
        };
        self.namespace.attach_locked(&to, &copy)?;
        drop(guard);
        self.namespace.announce();
        Ok(())
    }

    /// `MS_MOVE`: moves a mount with all upon it.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` if the source is no mount or the root of the namespace, `ELOOP` if the target lies below it.
    pub fn move_mount(&self, from: &At<'_>, to: &At<'_>) -> Result<(), Errno> {
        self.credentials.need(Capability::SysAdmin)?;
        let to = self.find_path(to, Lookup::FOLLOW)?.topmost();
        let from = self.find_path(from, Lookup::FOLLOW)?;
        let guard = self.namespace.lock();
        let old = from.mount.mountpoint().ok_or(Errno::EINVAL)?;
        if !from.is_mount_root() || !self.namespace.contains(&from.mount) {
            return Err(Errno::EINVAL);
        }
        if tree(&from.mount).iter().any(|mount| Arc::ptr_eq(mount, &to.mount)) {
            return Err(Errno::ELOOP);
        }
        from.mount.detach();
        let moved = self.namespace.attach_locked(&to, &from.mount);
        if moved.is_err() {
            old.mount.attach(&old.dentry, &from.mount);
        }
        drop(guard);
        self.namespace.announce();
        moved
    }

    /// `MS_REMOUNT`: changes what a mount restricts, and unless `bind`, the filesystem's own options too.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` if the place is no mount's root or the filesystem refuses the options, `EBUSY` if it shall become
    /// read-only and something is open for writing.
    pub fn remount(&self, at: &At<'_>, flags: MountFlags, bind: bool, options: &[u8]) -> Result<(), Errno> {
        self.credentials.need(Capability::SysAdmin)?;
        let path = self.find_path(at, Lookup::FOLLOW)?;
        if !path.is_mount_root() || !self.namespace.contains(&path.mount) {
            return Err(Errno::EINVAL);
        }
        let guard = self.namespace.lock();
        if bind {
            path.mount.set_flags(flags)?;
        } else {
            let superblock = path.mount.superblock();
            let read_only = flags.contains(MountFlags::RDONLY);
            if read_only && self.has_writers(superblock) {
                return Err(Errno::EBUSY);
            }
            superblock.filesystem().remount(options)?;
            superblock.set_read_only(read_only);
            path.mount.set_flags(flags.difference(MountFlags::RDONLY))?;
        }
        drop(guard);
        self.namespace.announce();
        Ok(())
    }

    fn has_writers(&self, superblock: &Arc<crate::SuperBlock>) -> bool {
        let mounts = self.namespace.mounts();
        mounts.iter().any(|mount| Arc::ptr_eq(mount.superblock(), superblock) && mount.has_writers())
    }

    /// umount2(2).
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` if the place is no mount's root or the root of the namespace, `EBUSY` if it is in use,
    /// `EAGAIN` if `EXPIRE` has only marked it.
    pub fn unmount(&self, at: &At<'_>, flags: UnmountFlags) -> Result<(), Errno> {
        self.credentials.need(Capability::SysAdmin)?;
        let exclusive = UnmountFlags::EXPIRE;
        if flags.contains(exclusive) && flags.intersects(UnmountFlags::FORCE | UnmountFlags::DETACH) {
            return Err(Errno::EINVAL);
        }
        let lookup = if flags.contains(UnmountFlags::NOFOLLOW) { Lookup::empty() } else { Lookup::FOLLOW };
        let path = self.find_path(at, lookup)?;
        let guard = self.namespace.lock();
        let attached = path.mount.mountpoint().is_some();
        if !path.is_mount_root() || !attached || !self.namespace.contains(&path.mount) {
            return Err(Errno::EINVAL);
        }
        if flags.contains(UnmountFlags::DETACH) {
            for mount in tree(&path.mount).iter().rev() {
                mount.detach();
            }
        } else {
            if !path.mount.children().is_empty() || in_use(&path) {
                return Err(Errno::EBUSY);
            }
            if flags.contains(exclusive) && !path.mount.expire() {
                return Err(Errno::EAGAIN);
            }
            path.mount.superblock().filesystem().sync()?;
            path.mount.detach();
        }
        drop(guard);
        self.namespace.announce();
        let superblock = path.mount.superblock();
        if !self.namespace.mounts().iter().any(|mount| Arc::ptr_eq(mount.superblock(), superblock)) {
            crate::notify::unmounted(superblock.root());
        }
        Ok(())
    }
}

/// Whether anyone but the tree and the given path holds the mount: an open file, a working directory, a walk under way.
fn in_use(path: &Path) -> bool {
    Arc::strong_count(&path.mount) > 2
}

/// Whether two places are of a kind, both directories or both none.
pub(super) fn same_kind(a: &Path, b: &Path) -> bool {
    let directory = |p: &Path| p.dentry.inode_ref().kind() == FileKind::Directory;
    directory(a) == directory(b)
}

//! `MS_REMOUNT`.

use std::sync::Arc;

use abi::Errno;

use crate::caller::{At, Caller};
use crate::mount_flags::MountFlags;
use crate::mount_tree::TreeChange;
use crate::path::Path;
use crate::resolve::Lookup;
use crate::superblock::SuperBlock;

impl Caller<'_> {
    /// `MS_REMOUNT`: changes what a mount restricts, and unless `bind`, the filesystem's own options too. Flags that say nothing about
    /// access times leave those as they are.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` if the place is no mount's root or the filesystem refuses the options, `EBUSY` if it shall become
    /// read-only and something is open for writing.
    pub fn remount(&self, at: &At<'_>, flags: MountFlags, bind: bool, options: &[u8]) -> Result<(), Errno> {
        let path = self.find_path(at, Lookup::FOLLOW)?;
        self.may_mount()?;
        self.own_mount(&path)?;
        let mut change = TreeChange::begin();
        let flags = if flags.intersects(MountFlags::TIMES) {
            flags
        } else {
            flags | path.mount.flags().intersection(MountFlags::TIMES)
        };
        if !bind {
            reconfigure(path.mount.superblock(), flags.contains(MountFlags::RDONLY), options)?;
        }
        path.mount.set_flags(flags)?;
        change.touch(&path.mount);
        Ok(())
    }

    /// Nothing if a path is the root of a mount in the caller's namespace.
    ///
    /// # Errors
    /// `EINVAL`.
    pub(super) fn own_mount(&self, path: &Path) -> Result<(), Errno> {
        if path.is_mount_root() && self.namespace.contains(&path.mount) { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

/// Changes a filesystem's own options.
///
/// # Errors
/// `EBUSY` if it shall become read-only and something is open for writing, and as the filesystem says.
pub fn reconfigure(superblock: &Arc<SuperBlock>, read_only: bool, options: &[u8]) -> Result<(), Errno> {
    if read_only && !superblock.is_read_only() && superblock.has_writers() {
        return Err(Errno::EBUSY);
    }
    superblock.filesystem().remount(options)?;
    superblock.set_read_only(read_only);
    Ok(())
}

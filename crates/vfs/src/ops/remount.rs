//! `MS_REMOUNT`.

use std::sync::Arc;

use abi::Errno;

use crate::caller::{At, Caller};
use crate::mount::Mount;
use crate::mount_flags::MountFlags;
use crate::mount_tree::{TreeChange, tree};
use crate::path::Path;
use crate::propagation::{self, PropagationType};
use crate::resolve::Lookup;
use crate::superblock::SuperBlock;
use crate::{Capability, MountIds, UserNamespace};

/// What mount_setattr(2) changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountChange {
    /// Flags to set, after the others were cleared.
    pub set: MountFlags,
    /// Flags to clear.
    pub clear: MountFlags,
    /// What to become to other mounts.
    pub propagation: Option<PropagationType>,
    /// Whose files are to be those that the filesystem has by numbers of its own.
    pub ids: Option<IdChange>,
}

/// What becomes of the owners that a mount shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdChange {
    /// The numbers stored are those of a user namespace.
    To(Arc<UserNamespace>),
    /// They are shown as they are stored. Mounts copied so need no change any more.
    Dropped,
}

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
        if !path.mount.locks().allow(path.mount.flags(), flags) {
            return Err(Errno::EPERM);
        }
        if !bind {
            let owner = path.mount.superblock().user();
            self.credentials.need_in(Capability::SysAdmin, owner)?;
            reconfigure(path.mount.superblock(), flags.contains(MountFlags::RDONLY), options)?;
        }
        path.mount.set_flags(flags)?;
        change.touch(&path.mount);
        Ok(())
    }

    /// mount_setattr(2): changes of a mount, or of all in its tree.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` if the place is no mount's root or cannot be idmapped, `EBUSY` if one shall become read-only and something is open for
    /// writing there: then none is changed.
    pub fn change_mount(&self, place: &Path, to: &MountChange, recursive: bool) -> Result<(), Errno> {
        self.may_mount()?;
        let detached = place.mount.namespace().is_none();
        if !place.is_mount_root() || !detached && !self.namespace.contains(&place.mount) {
            return Err(Errno::EINVAL);
        }
        let mut change = TreeChange::begin();
        let mounts = if recursive { tree(&place.mount) } else { vec![Arc::clone(&place.mount)] };
        let after = |mount: &Mount| mount.flags().difference(to.clear) | to.set;
        if mounts.iter().any(|mount| !mount.locks().allow(mount.flags(), after(mount))) {
            change.keep(mounts);
            return Err(Errno::EPERM);
        }
        if let Err(refused) = mounts.iter().try_for_each(|mount| self.may_change_ids(mount, to.ids.as_ref()))
        {
            change.keep(mounts);
            return Err(refused);
        }
        let locks = to.set.contains(MountFlags::RDONLY);
        if locks && mounts.iter().any(|mount| !mount.is_read_only() && mount.has_writers()) {
            change.keep(mounts);
            return Err(Errno::EBUSY);
        }
        for mount in &mounts {
            mount.set_flags(after(mount))?;
            if let Some(IdChange::To(user)) = &to.ids {
                mount.set_ids(Arc::new(MountIds::of(user, mount.superblock().user())?))?;
            }
            if let Some(propagation) = to.propagation {
                propagation::change(mount, propagation);
            }
        }
        change.touch(&place.mount);
        change.keep(mounts);
        Ok(())
    }

    /// Whether a mount may become idmapped.
    ///
    /// # Errors
    /// `EPERM` if it is already, or the caller has no CAP_SYS_ADMIN where its filesystem belongs; `EINVAL` for the filesystem's own user namespace,
    /// one without maps, filesystems that are not made for it, and mounts that somebody can have seen.
    fn may_change_ids(&self, mount: &Mount, ids: Option<&IdChange>) -> Result<(), Errno> {
        let Some(ids) = ids else { return Ok(()) };
        let filesystem_user = mount.superblock().user();
        if let IdChange::To(user) = ids {
            if user == filesystem_user {
                return Err(Errno::EINVAL);
            }
            MountIds::of(user, filesystem_user)?;
        }
        if mount.ids().is_some() {
            return Err(Errno::EPERM);
        }
        if !mount.superblock().filesystem().allows_ids() {
            return Err(Errno::EINVAL);
        }
        self.credentials.need_in(Capability::SysAdmin, filesystem_user)?;
        if mount.was_revealed() { Err(Errno::EINVAL) } else { Ok(()) }
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

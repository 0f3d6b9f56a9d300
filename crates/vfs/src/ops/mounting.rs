//! mount(2) below the reading of its arguments: new mounts, bind mounts, propagation.

use std::sync::Arc;

use abi::Errno;

use crate::caller::{At, Caller};
use crate::mount::Mount;
use crate::mount_tree::{Copying, TreeChange, copy_one, copy_tree, tree};
use crate::path::Path;
use crate::propagation::{self, PropagationType};
use crate::resolve::Lookup;
use crate::{Capability, FileKind};

impl Caller<'_> {
    /// Whether it may change the mounts that it sees.
    ///
    /// # Errors
    /// `EPERM` without CAP_SYS_ADMIN.
    pub fn may_mount(&self) -> Result<(), Errno> {
        self.credentials.need(Capability::SysAdmin)
    }

    /// Mounts something new.
    ///
    /// # Errors
    /// `EPERM` without CAP_SYS_ADMIN, `EBUSY` if the place shows the same filesystem already, and as
    /// [`crate::MountNamespace::attach`].
    pub fn mount(&self, at: &At<'_>, mount: &Arc<Mount>) -> Result<(), Errno> {
        self.may_mount()?;
        let place = self.find_path(at, Lookup::FOLLOW)?;
        self.mount_new(&place, mount)
    }

    /// As [`Self::mount`], upon a place that has been found.
    ///
    /// # Errors
    /// As there.
    pub fn mount_new(&self, place: &Path, mount: &Arc<Mount>) -> Result<(), Errno> {
        let same = Arc::ptr_eq(place.mount.superblock(), mount.superblock());
        if same && place.is_mount_root() && Arc::ptr_eq(&place.dentry, mount.root()) {
            return Err(Errno::EBUSY);
        }
        self.namespace.attach(place, mount)
    }

    /// `MS_BIND`: shows a place at another one, with the mounts below it if `recursive`.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` if one of the two lies in another namespace or the source is unbindable.
    pub fn bind_mount(&self, from: &At<'_>, to: &At<'_>, recursive: bool) -> Result<(), Errno> {
        let to = self.find_path(to, Lookup::FOLLOW)?;
        self.may_mount()?;
        let from = self.find_path(from, Lookup::FOLLOW)?;
        let mut change = TreeChange::begin();
        let copy = self.copy_mounts(&from, recursive)?;
        self.namespace.attach_in(&mut change, &to, &copy)
    }

    /// A copy of what is seen at a place, attached nowhere: open_tree(2) `OPEN_TREE_CLONE`.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` as for [`Self::bind_mount`].
    pub fn clone_mounts(&self, from: &Path, recursive: bool) -> Result<Arc<Mount>, Errno> {
        self.may_mount()?;
        let _change = TreeChange::begin();
        self.copy_mounts(from, recursive)
    }

    fn copy_mounts(&self, from: &Path, recursive: bool) -> Result<Arc<Mount>, Errno> {
        let detached = from.mount.namespace().is_none();
        if propagation::of(&from.mount).unbindable || !detached && !self.namespace.contains(&from.mount) {
            return Err(Errno::EINVAL);
        }
        if recursive {
            Ok(copy_tree(&from.mount, &from.dentry, Copying::Bind)?.0)
        } else {
            Ok(copy_one(&from.mount, &from.dentry, Copying::Bind))
        }
    }

    /// Makes a mount, or a tree of them if `recursive`, shared, private, a slave or unbindable.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` if the place is no mount's root.
    pub fn change_propagation(&self, at: &At<'_>, to: PropagationType, recursive: bool) -> Result<(), Errno> {
        let path = self.find_path(at, Lookup::FOLLOW)?;
        self.may_mount()?;
        if !path.is_mount_root() || !self.namespace.contains(&path.mount) {
            return Err(Errno::EINVAL);
        }
        let mut change = TreeChange::begin();
        let mounts = if recursive { tree(&path.mount) } else { vec![Arc::clone(&path.mount)] };
        mounts.iter().for_each(|mount| propagation::change(mount, to));
        change.touch(&path.mount);
        change.keep(mounts);
        Ok(())
    }
}

/// Whether two places are of a kind, both directories or both none.
pub(super) fn same_kind(a: &Path, b: &Path) -> bool {
    let directory = |p: &Path| p.dentry.inode_ref().kind() == FileKind::Directory;
    directory(a) == directory(b)
}

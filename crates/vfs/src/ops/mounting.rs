//! mount(2) below the reading of its arguments: new mounts, bind mounts, propagation.

use std::sync::Arc;

use abi::Errno;

use crate::caller::{At, Caller};
use crate::dentry::Dentry;
use crate::mount::Mount;
use crate::mount_flags::MountLocks;
use crate::mount_tree::{Copying, TreeChange, copy_one, copy_tree, tree};
use crate::path::Path;
use crate::propagation::{self, PropagationType};
use crate::resolve::Lookup;
use crate::{Capability, FileKind, FileSystemType};

impl Caller<'_> {
    /// Whether it may change the mounts that it sees.
    ///
    /// # Errors
    /// `EPERM` without CAP_SYS_ADMIN in the user namespace that they belong to.
    pub fn may_mount(&self) -> Result<(), Errno> {
        self.credentials.need_in(Capability::SysAdmin, &self.namespace.user)
    }

    /// Whether a filesystem of a type may be made and mounted by the caller.
    ///
    /// # Errors
    /// `EPERM` without CAP_SYS_ADMIN in the user namespace that it will belong to.
    pub fn may_make(&self, kind: &dyn FileSystemType) -> Result<(), Errno> {
        self.credentials.need_in(Capability::SysAdmin, &kind.owner(self))
    }

    /// Whether a filesystem that is about to be mounted shows nothing that the caller does not see yet. What of it must stay follows from
    /// the mount that shows all of it already.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn check_revealed(&self, kind: &dyn FileSystemType, mount: &Mount) -> Result<(), Errno> {
        if !kind.reveals() || self.namespace.user.is_initial() {
            return Ok(());
        }
        let shows_all = |other: &&Arc<Mount>| {
            let same = other.superblock().filesystem().kind() == kind.name();
            let whole = Arc::ptr_eq(other.root(), other.superblock().root());
            let mut locks = other.locks();
            locks.set(MountLocks::RDONLY, other.is_read_only() && !locks.is_empty());
            let open = locks & (MountLocks::RDONLY | MountLocks::TIMES);
            same && whole && open.allow(other.flags(), mount.flags()) && !covered(other)
        };
        let mounts = self.namespace.mounts();
        let seen = mounts.iter().find(shows_all).ok_or(Errno::EPERM)?;
        mount.set_locks(mount.locks() | seen.locks() & (MountLocks::RDONLY | MountLocks::TIMES));
        Ok(())
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
        let copy = self.copy_mounts(&from, recursive, Copying::Bind)?;
        self.namespace.attach_in(&mut change, &to, &copy)
    }

    /// A copy of what is seen at a place, attached nowhere: open_tree(2) `OPEN_TREE_CLONE`. Not `idmapped`, it shows the owners that are stored.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` as for [`Self::bind_mount`].
    pub fn clone_mounts(&self, from: &Path, recursive: bool, idmapped: bool) -> Result<Arc<Mount>, Errno> {
        self.may_mount()?;
        let _change = TreeChange::begin();
        self.copy_mounts(from, recursive, if idmapped { Copying::Bind } else { Copying::BindPlain })
    }

    fn copy_mounts(&self, from: &Path, recursive: bool, how: Copying) -> Result<Arc<Mount>, Errno> {
        let detached = from.mount.namespace().is_none();
        if propagation::of(&from.mount).unbindable || !detached && !self.namespace.contains(&from.mount) {
            return Err(Errno::EINVAL);
        }
        if recursive {
            Ok(copy_tree(&from.mount, &from.dentry, how)?.0)
        } else if hides_something(&from.mount, &from.dentry) {
            Err(Errno::EINVAL)
        } else {
            Ok(copy_one(&from.mount, &from.dentry, how))
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

/// Whether a mount that must stay covers a part of what another shows. What covers a place that is meant for mounts hides nothing.
fn covered(mount: &Arc<Mount>) -> bool {
    mount.children().iter().any(|child| {
        let place = child.mountpoint();
        let hides = place.is_none_or(|place| !place.dentry.inode_ref().is_for_mounts());
        child.locks().contains(MountLocks::PLACE) && hides
    })
}

/// Whether something below a dentry is covered by a mount that must stay.
fn hides_something(mount: &Arc<Mount>, from: &Arc<Dentry>) -> bool {
    mount.children().iter().any(|child| {
        child.locks().contains(MountLocks::PLACE)
            && child.mountpoint().is_some_and(|place| place.dentry.is_within(from))
    })
}

/// Whether two places are of a kind, both directories or both none.
pub(super) fn same_kind(a: &Path, b: &Path) -> bool {
    let directory = |p: &Path| p.dentry.inode_ref().kind() == FileKind::Directory;
    directory(a) == directory(b)
}

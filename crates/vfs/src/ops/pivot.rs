//! pivot_root(2).

use std::sync::Arc;

use abi::Errno;

use crate::FileKind;
use crate::caller::{At, Caller};
use crate::mount_flags::MountLocks;
use crate::mount_tree::TreeChange;
use crate::path::Path;
use crate::propagation::is_shared;
use crate::resolve::Lookup;

impl Caller<'_> {
    /// Makes the mount at `new_root` the root mount and puts the old one at `put_old`. Returns the old and the new root
    /// directory: tasks whose root or working directory is the old one get the new one.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` if a place is not a mount's root, not where it must be or shared, `EBUSY` if one is the root already,
    /// `ENOTDIR`.
    pub fn pivot_root(&self, new_root: &At<'_>, put_old: &At<'_>) -> Result<(Path, Path), Errno> {
        self.may_mount()?;
        let directory = |at| {
            let path = self.find_path(at, Lookup::FOLLOW)?;
            let is_directory = path.dentry.inode_ref().kind() == FileKind::Directory;
            if is_directory { Ok(path) } else { Err(Errno::ENOTDIR) }
        };
        let new = directory(new_root)?;
        let put_old = directory(put_old)?.topmost();
        let old = self.root.clone();
        let mut change = TreeChange::begin();
        let (place_of_new, place_of_old) = (new.mount.mountpoint(), old.mount.mountpoint());
        let shares = |place: &Option<Path>| place.as_ref().is_some_and(|place| is_shared(&place.mount));
        let shared = is_shared(&put_old.mount) || shares(&place_of_new) || shares(&place_of_old);
        let known = [&new, &put_old, &old].iter().all(|path| self.namespace.contains(&path.mount));
        if shared || !known || new.mount.locks().contains(MountLocks::PLACE) {
            return Err(Errno::EINVAL);
        }
        if new.dentry.is_deleted() {
            return Err(Errno::ENOENT);
        }
        if Arc::ptr_eq(&new.mount, &old.mount) || Arc::ptr_eq(&put_old.mount, &old.mount) {
            return Err(Errno::EBUSY);
        }
        let below = |path: &Path, top: &Path| crate::path_name::climb(path, Some(top)).1;
        let placed = new.is_mount_root() && old.is_mount_root() && place_of_new.is_some();
        if !placed || !below(&put_old, &new) || !below(&new, &old) {
            return Err(Errno::EINVAL);
        }
        if old.mount.locks().contains(MountLocks::PLACE) {
            new.mount.set_locks(new.mount.locks() | MountLocks::PLACE);
            old.mount.set_locks(old.mount.locks() - MountLocks::PLACE);
        }
        new.mount.detach();
        match place_of_old {
            Some(place) => {
                old.mount.detach();
                place.mount.attach(&place.dentry, &new.mount);
            }
            None => change.keep([self.namespace.set_root(Arc::clone(&new.mount))]),
        }
        put_old.mount.attach(&put_old.dentry, &old.mount);
        change.touch(&new.mount);
        drop(change);
        Ok((old, new))
    }
}

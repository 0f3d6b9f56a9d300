//! pivot_root(2).

use std::sync::Arc;

use abi::Errno;

use super::mounting::same_kind;
use crate::caller::{At, Caller};
use crate::path::Path;
use crate::resolve::Lookup;
use crate::{Capability, FileKind};

impl Caller<'_> {
    /// Makes the mount at `new_root` the root mount and puts the old one at `put_old`. Returns the old and the new root
    /// directory: tasks whose root or working directory is the old one get the new one.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` if a place is not a mount's root or not where it must be, `EBUSY` if both are the root already,
    /// `ENOTDIR`.
    pub fn pivot_root(&self, new_root: &At<'_>, put_old: &At<'_>) -> Result<(Path, Path), Errno> {
        self.credentials.need(Capability::SysAdmin)?;
        let new = self.find_path(new_root, Lookup::FOLLOW)?;
        let put_old = self.find_path(put_old, Lookup::FOLLOW)?.topmost();
        let old = self.root.clone();
        if new.dentry.inode_ref().kind() != FileKind::Directory || !same_kind(&put_old, &new) {
            return Err(Errno::ENOTDIR);
        }
        let guard = self.namespace.lock();
        if Arc::ptr_eq(&new.mount, &old.mount) || Arc::ptr_eq(&put_old.mount, &old.mount) {
            return Err(Errno::EBUSY);
        }
        let known = [&new, &put_old, &old].iter().all(|path| self.namespace.contains(&path.mount));
        if !known || !new.is_mount_root() || !old.is_mount_root() || new.mount.mountpoint().is_none() {
            return Err(Errno::EINVAL);
        }
        let below = |path: &Path, top: &Path| crate::path_name::climb(path, Some(top)).1;
        if !below(&put_old, &new) || !below(&new, &old) {
            return Err(Errno::EINVAL);
        }
        let place_of_old = old.mount.mountpoint();
        new.mount.detach();
        match place_of_old {
            Some(place) => {
                old.mount.detach();
                place.mount.attach(&place.dentry, &new.mount);
            }
            None => self.namespace.set_root(Arc::clone(&new.mount)),
        }
        put_old.mount.attach(&put_old.dentry, &old.mount);
        drop(guard);
        self.namespace.announce();
        Ok((old, new))
    }
}

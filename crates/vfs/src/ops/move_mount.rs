//! `MS_MOVE` and move_mount(2).

use std::sync::Arc;

use abi::Errno;

use super::mounting::same_kind;
use crate::caller::{At, Caller};
use crate::mount::Mount;
use crate::mount_attach;
use crate::mount_flags::MountLocks;
use crate::mount_tree::{TreeChange, tree};
use crate::path::Path;
use crate::propagation;
use crate::resolve::Lookup;

impl Caller<'_> {
    /// `MS_MOVE`: moves a mount with all upon it.
    ///
    /// # Errors
    /// As [`Self::move_mount_to`].
    pub fn move_mount(&self, from: &At<'_>, to: &At<'_>) -> Result<(), Errno> {
        let to = self.find_path(to, Lookup::FOLLOW)?;
        self.may_mount()?;
        let from = self.find_path(from, Lookup::FOLLOW)?;
        self.move_mount_to(&from, &to, false)
    }

    /// move_mount(2): moves a mount with all upon it, or attaches one that was attached nowhere. `beneath` what is mounted at the new
    /// place.
    ///
    /// # Errors
    /// `EPERM`, `EINVAL` if the source is no mount, the root of the namespace or lies upon a shared one, `ELOOP` if the target lies below
    /// it.
    pub fn move_mount_to(&self, from: &Path, to: &Path, beneath: bool) -> Result<(), Errno> {
        self.may_mount()?;
        let mut change = TreeChange::begin();
        let to = to.clone().topmost();
        let old = from.mount.mountpoint();
        let detached = from.mount.namespace().is_none() && old.is_none();
        let locked = from.mount.locks().contains(MountLocks::PLACE);
        let movable = detached || self.namespace.contains(&from.mount) && old.is_some() && !locked;
        if !movable || !from.is_mount_root() || !self.namespace.contains(&to.mount) || !same_kind(from, &to) {
            return Err(Errno::EINVAL);
        }
        if old.as_ref().is_some_and(|old| propagation::is_shared(&old.mount)) {
            return Err(Errno::EINVAL);
        }
        let place = if beneath { below(&to, &from.mount)? } else { to };
        let moving = tree(&from.mount);
        let unbindable = moving.iter().any(|mount| propagation::of(mount).unbindable);
        if unbindable && propagation::is_shared(&place.mount) {
            return Err(Errno::EINVAL);
        }
        if moving.iter().any(|mount| Arc::ptr_eq(mount, &place.mount)) {
            return Err(Errno::ELOOP);
        }
        change.touch(&from.mount);
        from.mount.detach();
        let moved = mount_attach::attach(&mut change, &place, &from.mount);
        if let (Err(_), Some(old)) = (&moved, &old) {
            old.mount.attach(&old.dentry, &from.mount);
        }
        change.keep(moving);
        moved
    }
}

/// The place that the mount at `to` covers, for a mount that comes between the two.
fn below(to: &Path, moving: &Arc<Mount>) -> Result<Path, Errno> {
    let place = to.mount.mountpoint().ok_or(Errno::EINVAL)?;
    let covers_itself = Arc::ptr_eq(&place.mount, moving) || Arc::ptr_eq(&to.mount, moving);
    if !to.is_mount_root() || covers_itself { Err(Errno::EINVAL) } else { Ok(place) }
}

//! Trees of mounts, and changes of them: one at a time in the whole sandbox, because a mount made in one namespace can appear in others.

use std::collections::HashMap;
use std::sync::Arc;

use abi::Errno;
use parking_lot::{Mutex, MutexGuard};

use crate::dentry::Dentry;
use crate::mount::Mount;
use crate::mount_flags::MountLocks;
use crate::mount_namespace::MountNamespace;
use crate::path::Path;
use crate::propagation;

static CHANGES: Mutex<()> = Mutex::new(());

/// A change under way. What it took out of the trees is let go, and who watches them is told, when it ends.
pub(crate) struct TreeChange {
    guard: Option<MutexGuard<'static, ()>>,
    touched: Vec<Arc<MountNamespace>>,
    doomed: Vec<Arc<Mount>>,
}

impl TreeChange {
    /// Waits for its turn.
    pub(crate) fn begin() -> Self {
        Self { guard: Some(CHANGES.lock()), touched: Vec::new(), doomed: Vec::new() }
    }

    /// The namespace of a mount has changed.
    pub(crate) fn touch(&mut self, mount: &Mount) {
        if let Some(namespace) = mount.namespace()
            && !self.touched.iter().any(|known| Arc::ptr_eq(known, &namespace))
        {
            self.touched.push(namespace);
        }
    }

    /// Takes a mount out of its tree and its namespace. Mounts upon it stay upon it.
    pub(crate) fn take_out(&mut self, mount: &Arc<Mount>) {
        self.touch(mount);
        mount.detach();
        mount.enter(None);
        propagation::forget(mount.id);
        self.doomed.push(Arc::clone(mount));
    }

    /// Keeps something until the change has ended.
    pub(crate) fn keep(&mut self, mounts: impl IntoIterator<Item = Arc<Mount>>) {
        self.doomed.extend(mounts);
    }
}

impl Drop for TreeChange {
    fn drop(&mut self) {
        drop(self.guard.take());
        self.doomed.clear();
        for namespace in self.touched.drain(..) {
            namespace.announce();
        }
    }
}

/// A mount and all that is mounted upon it, parents first.
pub(crate) fn tree(root: &Arc<Mount>) -> Vec<Arc<Mount>> {
    let mut all = Vec::new();
    let mut pending = vec![Arc::clone(root)];
    while let Some(mount) = pending.pop() {
        pending.extend(mount.children().into_iter().rev());
        all.push(mount);
    }
    all
}

/// A tree comes to users who are not privileged where it comes from: what its mounts restrict and cover stays so.
pub(crate) fn lock_tree(top: &Arc<Mount>) {
    for mount in tree(top) {
        let place = if Arc::ptr_eq(&mount, top) { MountLocks::empty() } else { MountLocks::PLACE };
        mount.set_locks(mount.locks() | MountLocks::of(mount.flags()) | place);
    }
}

/// Which mount of a copied tree stands for which of the old.
pub struct Relocation {
    mounts: HashMap<u64, Arc<Mount>>,
}

impl Relocation {
    /// The place in the copy; the same place if its mount was not copied.
    #[must_use]
    pub fn translate(&self, path: &Path) -> Path {
        let mount = self.mounts.get(&path.mount.id).unwrap_or(&path.mount);
        Path { mount: Arc::clone(mount), dentry: Arc::clone(&path.dentry) }
    }
}

/// What the mounts of a copied tree are to those of the original.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copying {
    /// Peers of those that are shared. Unbindable ones are left out.
    Bind,
    /// As `Bind`, but not idmapped.
    BindPlain,
    /// As `Bind`, but with the unbindable ones: for a new namespace.
    Namespace,
    /// As `Namespace`, but those of shared ones are slaves: for a namespace of another user namespace.
    OtherUsers,
    /// Slaves of the originals.
    Slaves,
    /// Slaves of the originals and shared with each other.
    SharedSlaves,
}

/// A copy of the part of a tree of mounts that is seen from `from`, a dentry of `mount`.
///
/// # Errors
/// `EINVAL` if `mount` is unbindable.
pub(crate) fn copy_tree(
    mount: &Arc<Mount>,
    from: &Arc<Dentry>,
    how: Copying,
) -> Result<(Arc<Mount>, Relocation), Errno> {
    let whole = matches!(how, Copying::Namespace | Copying::OtherUsers);
    let left_out = |mount: &Mount| !whole && propagation::of(mount).unbindable;
    if left_out(mount) {
        return Err(Errno::EINVAL);
    }
    let top = copy_one(mount, from, how);
    let mut mounts = HashMap::from([(mount.id, Arc::clone(&top))]);
    for old in tree(mount) {
        let Some(place) = old.mountpoint() else { continue };
        let Some(parent) = mounts.get(&place.mount.id).cloned() else { continue };
        let outside = Arc::ptr_eq(&parent, &top) && !place.dentry.is_within(from);
        if outside || old.id == mount.id || left_out(&old) {
            continue;
        }
        let new = copy_one(&old, old.root(), how);
        parent.attach(&place.dentry, &new);
        mounts.insert(old.id, new);
    }
    Ok((top, Relocation { mounts }))
}

/// A mount of what another shows from `root` on.
pub(crate) fn copy_one(mount: &Arc<Mount>, root: &Arc<Dentry>, how: Copying) -> Arc<Mount> {
    let copy = Mount::new(Arc::clone(mount.superblock()), Arc::clone(root), &mount.source, mount.flags());
    copy.set_locks(mount.locks());
    if let Some(ids) = mount.ids().filter(|_| how != Copying::BindPlain) {
        // A new mount has none yet.
        let _ = copy.set_ids(Arc::clone(ids));
    }
    match how {
        Copying::OtherUsers if propagation::is_shared(mount) => propagation::enslave(mount, &copy),
        Copying::Bind | Copying::BindPlain | Copying::Namespace | Copying::OtherUsers => {
            propagation::copy(mount, &copy);
        }
        Copying::Slaves => propagation::enslave(mount, &copy),
        Copying::SharedSlaves => {
            propagation::enslave(mount, &copy);
            propagation::change(&copy, propagation::PropagationType::Shared);
        }
    }
    copy
}

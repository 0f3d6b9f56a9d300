//! The tree of mounts that a group of tasks sees: mount_namespaces(7).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use parking_lot::{Mutex, MutexGuard, RwLock};

use crate::mount::Mount;
use crate::path::Path;
use crate::{Events, FileKind, WaitQueue};

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Mounts in one namespace (`/proc/sys/fs/mount-max`).
const MOUNTS_MAX: usize = 100_000;

/// A mount namespace.
pub struct MountNamespace {
    /// Unique among the namespaces.
    pub id: u64,
    root: RwLock<Arc<Mount>>,
    /// Held over each change of the tree.
    changes: Mutex<()>,
    changed: Arc<WaitQueue>,
}

impl MountNamespace {
    /// A namespace with one mount.
    #[must_use]
    pub fn new(root: Arc<Mount>) -> Arc<Self> {
        Arc::new(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            root: RwLock::new(root),
            changes: Mutex::new(()),
            changed: WaitQueue::new(),
        })
    }

    /// The mount at the top.
    #[must_use]
    pub fn root(&self) -> Arc<Mount> {
        Arc::clone(&self.root.read())
    }

    /// The root directory of tasks that have not called chroot(2).
    #[must_use]
    pub fn root_path(&self) -> Path {
        self.root().root_path().topmost()
    }

    /// Told (`ERR | PRI`) whenever the mounts change, for poll(2) on /proc/PID/mounts.
    #[must_use]
    pub const fn changed(&self) -> &Arc<WaitQueue> {
        &self.changed
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
        self.changes.lock()
    }

    pub(crate) fn announce(&self) {
        self.changed.notify(Events::ERR | Events::PRI);
    }

    pub(crate) fn set_root(&self, root: Arc<Mount>) {
        let old = std::mem::replace(&mut *self.root.write(), root);
        drop(old);
    }

    /// Whether a mount belongs to this namespace.
    #[must_use]
    pub fn contains(&self, mount: &Arc<Mount>) -> bool {
        let root = self.root();
        let mut at = Arc::clone(mount);
        loop {
            if Arc::ptr_eq(&at, &root) {
                return true;
            }
            match at.mountpoint() {
                Some(mountpoint) => at = mountpoint.mount,
                None => return false,
            }
        }
    }

    /// Puts a tree of mounts upon a place.
    ///
    /// # Errors
    /// `ENOTDIR` if one of the two is a directory and the other is not, `ENOENT` if the place was removed, `EINVAL` if it
    /// belongs to another namespace, `ENOSPC` with too many mounts.
    pub fn attach(&self, place: &Path, mount: &Arc<Mount>) -> Result<(), Errno> {
        let guard = self.lock();
        self.attach_locked(place, mount)?;
        drop(guard);
        self.announce();
        Ok(())
    }

    pub(crate) fn attach_locked(&self, place: &Path, mount: &Arc<Mount>) -> Result<(), Errno> {
        let place = place.clone().topmost();
        if !self.contains(&place.mount) {
            return Err(Errno::EINVAL);
        }
        let is_directory = |path: &Path| path.dentry.inode_ref().kind() == FileKind::Directory;
        if is_directory(&place) != is_directory(&mount.root_path()) {
            return Err(Errno::ENOTDIR);
        }
        if self.mounts().len().saturating_add(tree(mount).len()) > MOUNTS_MAX {
            return Err(Errno::ENOSPC);
        }
        // Removal of the place holds the same lock while it looks for mounts.
        let changes = place.dentry.changes.lock();
        if place.dentry.is_deleted() {
            return Err(Errno::ENOENT);
        }
        place.mount.attach(&place.dentry, mount);
        drop(changes);
        Ok(())
    }

    /// All mounts, each after the one that it is mounted upon.
    #[must_use]
    pub fn mounts(&self) -> Vec<Arc<Mount>> {
        tree(&self.root())
    }

    /// A copy of the namespace, and where a place of the old one lies in it (`CLONE_NEWNS`).
    #[must_use]
    pub fn copy(&self) -> (Arc<Self>, Relocation) {
        let guard = self.lock();
        let root = self.root();
        let (copy, relocation) = copy_tree(&root, root.root());
        drop(guard);
        (Self::new(copy), relocation)
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

/// A copy of the part of a tree of mounts that is seen from `from`, a dentry of `mount`.
pub(crate) fn copy_tree(mount: &Arc<Mount>, from: &Arc<crate::dentry::Dentry>) -> (Arc<Mount>, Relocation) {
    let top = copy_one(mount, from);
    let mut mounts = HashMap::from([(mount.id, Arc::clone(&top))]);
    for old in tree(mount) {
        let Some(place) = old.mountpoint() else { continue };
        let Some(parent) = mounts.get(&place.mount.id).cloned() else { continue };
        if Arc::ptr_eq(&parent, &top) && !place.dentry.is_within(from) || old.id == mount.id {
            continue;
        }
        let new = copy_one(&old, old.root());
        parent.attach(&place.dentry, &new);
        mounts.insert(old.id, new);
    }
    (top, Relocation { mounts })
}

/// A mount of what another shows from `root` on.
pub(crate) fn copy_one(mount: &Arc<Mount>, root: &Arc<crate::dentry::Dentry>) -> Arc<Mount> {
    Mount::new(Arc::clone(mount.superblock()), Arc::clone(root), &mount.source, mount.flags())
}

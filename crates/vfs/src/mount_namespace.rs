//! The tree of mounts that a group of tasks sees: mount_namespaces(7).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use abi::Errno;
use parking_lot::RwLock;

use crate::mount::Mount;
use crate::mount_attach;
use crate::mount_tree::{Copying, Relocation, TreeChange, copy_tree, lock_tree, tree};
use crate::path::Path;
use crate::propagation;
use crate::user::{Charge, Counted};
use crate::{Credentials, Events, FileKind, UserNamespace, WaitQueue};

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Mounts in one namespace (`/proc/sys/fs/mount-max`).
pub(crate) const MOUNTS_MAX: usize = 100_000;

/// A mount namespace.
pub struct MountNamespace {
    /// Unique among the namespaces, 1 for the first.
    pub id: u64,
    /// Whose it is: CAP_SYS_ADMIN there is what changes of its mounts need.
    pub user: Arc<UserNamespace>,
    _charge: Option<Charge>,
    root: RwLock<Arc<Mount>>,
    mounts: AtomicUsize,
    changed: Arc<WaitQueue>,
}

impl MountNamespace {
    /// A namespace with a tree of mounts.
    #[must_use]
    pub fn new(root: Arc<Mount>) -> Arc<Self> {
        Self::owned(root, UserNamespace::initial(), None)
    }

    fn owned(root: Arc<Mount>, user: Arc<UserNamespace>, charge: Option<Charge>) -> Arc<Self> {
        let namespace = Arc::new(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            user,
            _charge: charge,
            root: RwLock::new(root),
            mounts: AtomicUsize::new(0),
            changed: WaitQueue::new(),
        });
        for mount in namespace.mounts() {
            mount.enter(Some(&namespace));
        }
        namespace
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

    /// How many mounts it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.mounts.load(Ordering::Relaxed)
    }

    pub(crate) fn add_mount(&self) {
        self.mounts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn remove_mount(&self) {
        self.mounts.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn announce(&self) {
        self.changed.notify(Events::ERR | Events::PRI);
    }

    /// Returns the old one, to be dropped when the change of the tree has ended.
    pub(crate) fn set_root(&self, root: Arc<Mount>) -> Arc<Mount> {
        std::mem::replace(&mut *self.root.write(), root)
    }

    /// Whether a mount belongs to this namespace.
    #[must_use]
    pub fn contains(&self, mount: &Mount) -> bool {
        mount.namespace().is_some_and(|namespace| std::ptr::eq(&raw const *namespace, self))
    }

    /// Puts a tree of mounts upon a place, and wherever that is heard of.
    ///
    /// # Errors
    /// `ENOTDIR` if one of the two is a directory and the other is not, `ENOENT` if the place was removed, `EINVAL` if it
    /// belongs to another namespace, `ENOSPC` with too many mounts.
    pub fn attach(&self, place: &Path, mount: &Arc<Mount>) -> Result<(), Errno> {
        let mut change = TreeChange::begin();
        self.attach_in(&mut change, place, mount)
    }

    pub(crate) fn attach_in(
        &self,
        change: &mut TreeChange,
        place: &Path,
        mount: &Arc<Mount>,
    ) -> Result<(), Errno> {
        let place = place.clone().topmost();
        if !self.contains(&place.mount) {
            return Err(Errno::EINVAL);
        }
        let is_directory = |path: &Path| path.dentry.inode_ref().kind() == FileKind::Directory;
        if is_directory(&place) != is_directory(&mount.root_path()) {
            return Err(Errno::ENOTDIR);
        }
        mount_attach::attach(change, &place, mount)
    }

    /// All mounts, each after the one that it is mounted upon.
    #[must_use]
    pub fn mounts(&self) -> Vec<Arc<Mount>> {
        tree(&self.root())
    }

    /// A copy of the namespace for its maker's user namespace, and where a place of the old one lies in it (`CLONE_NEWNS`).
    ///
    /// # Errors
    /// `ENOSPC` if the maker has too many.
    pub fn copy(&self, maker: &Credentials) -> Result<(Arc<Self>, Relocation), Errno> {
        let charge = Charge::take(&maker.user, maker.euid, Counted::Mount)?;
        let change = TreeChange::begin();
        let root = self.root();
        let other = maker.user != self.user;
        let how = if other { Copying::OtherUsers } else { Copying::Namespace };
        let (copy, relocation) = copy_tree(&root, root.root(), how)?;
        if other {
            lock_tree(&copy);
        }
        drop(change);
        Ok((Self::owned(copy, Arc::clone(&maker.user), Some(charge)), relocation))
    }
}

impl Drop for MountNamespace {
    fn drop(&mut self) {
        // Whoever still holds one of the mounts hears no more of others.
        for mount in tree(self.root.get_mut()) {
            propagation::forget(mount.id);
        }
    }
}

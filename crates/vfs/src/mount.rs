//! Mounts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use abi::Errno;
use parking_lot::{Mutex, RwLock};

use crate::dentry::Dentry;
use crate::mount_flags::{MountFlags, MountLocks};
use crate::mount_ids::MountIds;
use crate::mount_namespace::MountNamespace;
use crate::path::Path;
use crate::propagation::{self, Propagation};
use crate::superblock::SuperBlock;
use crate::{Attributes, Owner};

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// A filesystem, or a part of one, at a place in the tree.
///
/// A mount keeps the mounts upon it alive, and knows its parent only weakly: a tree that nobody holds at its root is gone.
pub struct Mount {
    /// The id in /proc/PID/mountinfo.
    pub id: u64,
    superblock: Arc<SuperBlock>,
    root: Arc<Dentry>,
    /// What /proc/mounts shows in the first column.
    pub source: Vec<u8>,
    flags: AtomicU32,
    locks: AtomicU32,
    /// Whose its files are, if they are others' than the filesystem says.
    ids: OnceLock<Arc<MountIds>>,
    attachment: RwLock<Option<Attachment>>,
    /// Whether it has ever been in a namespace, where anybody could see it.
    revealed: AtomicBool,
    /// The namespace that it belongs to, if it is attached in one.
    namespace: RwLock<Weak<MountNamespace>>,
    /// By the id of the dentry they are mounted upon.
    children: RwLock<HashMap<u64, Arc<Mount>>>,
    /// Descriptions open for writing. Locked while a remount to read-only looks.
    writers: Mutex<u64>,
    /// Marked by `MNT_EXPIRE`.
    expiring: AtomicBool,
}

/// Where a mount is mounted.
struct Attachment {
    parent: Weak<Mount>,
    mountpoint: Arc<Dentry>,
    /// What leads to it.
    way: Vec<Arc<Dentry>>,
}

impl Mount {
    /// A mount of the part of a filesystem below `root`, not attached anywhere.
    #[must_use]
    pub fn new(
        superblock: Arc<SuperBlock>,
        root: Arc<Dentry>,
        source: &[u8],
        flags: MountFlags,
    ) -> Arc<Self> {
        Arc::new(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            superblock,
            root,
            source: source.to_vec(),
            flags: AtomicU32::new(flags.with_default_times().bits()),
            locks: AtomicU32::new(0),
            ids: OnceLock::new(),
            attachment: RwLock::new(None),
            revealed: AtomicBool::new(false),
            namespace: RwLock::default(),
            children: RwLock::default(),
            writers: Mutex::new(0),
            expiring: AtomicBool::new(false),
        })
    }

    /// A mount of a whole filesystem, not attached anywhere.
    #[must_use]
    pub fn whole(superblock: Arc<SuperBlock>, source: &[u8], flags: MountFlags) -> Arc<Self> {
        let root = Arc::clone(superblock.root());
        Self::new(superblock, root, source, flags)
    }

    /// The filesystem.
    #[must_use]
    pub const fn superblock(&self) -> &Arc<SuperBlock> {
        &self.superblock
    }

    /// The dentry that appears at the mountpoint.
    #[must_use]
    pub const fn root(&self) -> &Arc<Dentry> {
        &self.root
    }

    /// The place of its root.
    #[must_use]
    pub fn root_path(self: &Arc<Self>) -> Path {
        Path { mount: Arc::clone(self), dentry: Arc::clone(&self.root) }
    }

    /// What it restricts.
    #[must_use]
    pub fn flags(&self) -> MountFlags {
        MountFlags::from_bits_retain(self.flags.load(Ordering::Acquire))
    }

    /// Replaces what it restricts (`MS_REMOUNT | MS_BIND`).
    ///
    /// # Errors
    /// `EBUSY` if it shall become read-only and a file is open for writing.
    pub fn set_flags(&self, flags: MountFlags) -> Result<(), Errno> {
        let writers = self.writers.lock();
        if flags.contains(MountFlags::RDONLY) && *writers > 0 {
            return Err(Errno::EBUSY);
        }
        self.flags.store(flags.with_default_times().bits(), Ordering::Release);
        Ok(())
    }

    /// What of it must stay.
    #[must_use]
    pub fn locks(&self) -> MountLocks {
        MountLocks::from_bits_retain(self.locks.load(Ordering::Acquire))
    }

    /// Says what of it must stay.
    pub fn set_locks(&self, locks: MountLocks) {
        self.locks.store(locks.bits(), Ordering::Release);
    }

    /// What it makes of owners, if it is idmapped.
    #[must_use]
    pub fn ids(&self) -> Option<&Arc<MountIds>> {
        self.ids.get()
    }

    /// Makes it idmapped: once, and before anybody sees it.
    ///
    /// # Errors
    /// `EPERM` if it is already.
    pub(crate) fn set_ids(&self, ids: Arc<MountIds>) -> Result<(), Errno> {
        self.ids.set(ids).map_err(|_| Errno::EPERM)
    }

    /// Attributes of one of its files as they are seen through it.
    pub(crate) fn seen(&self, attributes: Attributes) -> Attributes {
        self.ids().map_or(attributes, |ids| ids.seen(attributes))
    }

    /// An owner as the filesystem stores it.
    ///
    /// # Errors
    /// `EOVERFLOW` for one who can have nothing here.
    pub(crate) fn stored(&self, owner: Owner) -> Result<Owner, Errno> {
        self.ids().map_or(Ok(owner), |ids| ids.stored(owner))
    }

    /// Whether anything is open for writing through it.
    #[must_use]
    pub fn has_writers(&self) -> bool {
        *self.writers.lock() > 0
    }

    /// Whether nothing can be changed through it.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.flags().contains(MountFlags::RDONLY) || self.superblock.is_read_only()
    }

    /// Nothing if changes may be made.
    ///
    /// # Errors
    /// `EROFS`.
    pub fn writable(&self) -> Result<(), Errno> {
        if self.is_read_only() { Err(Errno::EROFS) } else { Ok(()) }
    }

    /// A file is opened for writing.
    pub(crate) fn add_writer(&self) {
        self.superblock.add_writer();
        let mut writers = self.writers.lock();
        *writers = writers.saturating_add(1);
    }

    /// It is closed again.
    pub(crate) fn remove_writer(&self) {
        self.superblock.remove_writer();
        let mut writers = self.writers.lock();
        *writers = writers.saturating_sub(1);
    }

    /// Marks it expired (umount2(2) `MNT_EXPIRE`). True if it was marked, and nothing was opened in it since.
    pub(crate) fn expire(&self) -> bool {
        self.expiring.swap(true, Ordering::AcqRel)
    }

    /// Something was opened in it.
    pub(crate) fn used(&self) {
        self.expiring.store(false, Ordering::Release);
    }

    /// Whether it has ever been in a namespace.
    pub(crate) fn was_revealed(&self) -> bool {
        self.revealed.load(Ordering::Acquire)
    }

    /// The namespace that it belongs to.
    #[must_use]
    pub fn namespace(&self) -> Option<Arc<MountNamespace>> {
        self.namespace.read().upgrade()
    }

    /// It belongs to another namespace from now on, or to none.
    pub(crate) fn enter(&self, namespace: Option<&Arc<MountNamespace>>) {
        let new = namespace.map_or_else(Weak::new, Arc::downgrade);
        if let Some(namespace) = namespace {
            namespace.add_mount();
            self.revealed.store(true, Ordering::Release);
        }
        let old = std::mem::replace(&mut *self.namespace.write(), new);
        if let Some(old) = old.upgrade() {
            old.remove_mount();
        }
    }

    /// What it is to other mounts.
    #[must_use]
    pub fn propagation(&self) -> Propagation {
        propagation::of(self)
    }

    /// Where it is mounted, if it is.
    #[must_use]
    pub fn mountpoint(&self) -> Option<Path> {
        let attachment = self.attachment.read();
        let attachment = attachment.as_ref()?;
        Some(Path { mount: attachment.parent.upgrade()?, dentry: Arc::clone(&attachment.mountpoint) })
    }

    /// What is mounted upon a dentry seen through this mount.
    #[must_use]
    pub fn child_at(&self, dentry: &Dentry) -> Option<Arc<Self>> {
        if !dentry.is_mountpoint() {
            return None;
        }
        self.children.read().get(&dentry.id()).cloned()
    }

    /// All that is mounted upon it, oldest first.
    #[must_use]
    pub fn children(&self) -> Vec<Arc<Self>> {
        let mut children: Vec<_> = self.children.read().values().cloned().collect();
        children.sort_by_key(|m| m.id);
        children
    }

    /// Puts `child` upon a dentry of this mount, which nothing is mounted upon yet.
    pub(crate) fn attach(self: &Arc<Self>, dentry: &Arc<Dentry>, child: &Arc<Self>) {
        let way = dentry.become_mountpoint();
        let attachment = Attachment { parent: Arc::downgrade(self), mountpoint: Arc::clone(dentry), way };
        *child.attachment.write() = Some(attachment);
        self.children.write().insert(dentry.id(), Arc::clone(child));
    }

    /// Takes it off from where it is mounted.
    pub(crate) fn detach(&self) {
        let Some(attachment) = self.attachment.write().take() else { return };
        attachment.mountpoint.mounts.fetch_sub(1, Ordering::AcqRel);
        for dentry in &attachment.way {
            dentry.leads.fetch_sub(1, Ordering::AcqRel);
        }
        if let Some(parent) = attachment.parent.upgrade() {
            let child = parent.children.write().remove(&attachment.mountpoint.id());
            drop(child);
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.detach();
        self.enter(None);
        propagation::forget(self.id);
        // As for dentries: a deep stack of mounts must not be dropped recursively.
        let mut doomed: Vec<Arc<Self>> = self.children.get_mut().drain().map(|(_, m)| m).collect();
        while let Some(mount) = doomed.pop() {
            mount.detach();
            if let Some(mut mount) = Arc::into_inner(mount) {
                doomed.extend(mount.children.get_mut().drain().map(|(_, m)| m));
            }
        }
    }
}

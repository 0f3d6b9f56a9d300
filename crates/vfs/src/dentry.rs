//! Names of inodes, and the directory entries that are known.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use hashbrown::HashMap;
use parking_lot::RwLock;

use crate::InodeRef;
use crate::waiting::SleepLock;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// The slot of a dentry that the cache does not keep.
pub(crate) const NO_SLOT: usize = usize::MAX;

/// A name in a directory, with the inode that it names. Positive always: a missing name is no dentry that anyone holds.
///
/// A dentry keeps its parent alive. A directory knows its children only weakly: who keeps them is the
/// [`crate::dentry_cache::DentryCache`] and whoever uses them. So there is at most one dentry of a name at a time.
pub struct Dentry {
    /// Unique among all dentries of the sandbox.
    id: u64,
    inode: InodeRef,
    place: RwLock<Place>,
    children: RwLock<HashMap<Arc<[u8]>, Child>>,
    /// Held over each change of this directory's names, and over the removal of the directory itself. Order: the
    /// filesystem's rename lock, then an ancestor before its descendants.
    pub(crate) changes: SleepLock<()>,
    deleted: AtomicBool,
    linkable: AtomicBool,
    /// Mounts upon this dentry, through whichever mount.
    pub(crate) mounts: AtomicU32,
    /// Mounts somewhere below this dentry.
    pub(crate) leads: AtomicU32,
    /// Open file descriptions made through it.
    pub(crate) opens: AtomicU32,
    pub(crate) recent: AtomicBool,
    pub(crate) slot: AtomicUsize,
}

struct Place {
    parent: Option<Arc<Dentry>>,
    name: Arc<[u8]>,
}

enum Child {
    Present(Weak<Dentry>),
    Missing,
}

/// What a directory knows of a name.
pub(crate) enum Known {
    /// It is there.
    Present(Arc<Dentry>),
    /// It is not.
    Missing,
    /// Ask the filesystem.
    Unknown,
}

impl Dentry {
    /// The root of a tree.
    #[must_use]
    pub fn root(inode: InodeRef) -> Arc<Self> {
        Self::make(inode, None, Arc::from(&b""[..]))
    }

    /// A file in `parent` that has no name there: made with `O_TMPFILE`. It can be given one if `linkable`.
    #[must_use]
    pub fn unnamed(parent: &Arc<Self>, inode: InodeRef, label: &[u8], linkable: bool) -> Arc<Self> {
        let dentry = Self::make(inode, Some(Arc::clone(parent)), Arc::from(label));
        dentry.deleted.store(true, Ordering::Release);
        dentry.linkable.store(linkable, Ordering::Release);
        dentry
    }

    fn make(inode: InodeRef, parent: Option<Arc<Self>>, name: Arc<[u8]>) -> Arc<Self> {
        Arc::new(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            inode,
            place: RwLock::new(Place { parent, name }),
            children: RwLock::default(),
            changes: SleepLock::new(()),
            deleted: AtomicBool::new(false),
            linkable: AtomicBool::new(false),
            mounts: AtomicU32::new(0),
            leads: AtomicU32::new(0),
            opens: AtomicU32::new(0),
            recent: AtomicBool::new(false),
            slot: AtomicUsize::new(NO_SLOT),
        })
    }

    /// Unique among all dentries.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The inode it names.
    #[must_use]
    pub fn inode(&self) -> InodeRef {
        Arc::clone(&self.inode)
    }

    /// The inode it names, borrowed.
    #[must_use]
    pub const fn inode_ref(&self) -> &InodeRef {
        &self.inode
    }

    /// The directory it lies in; nothing for a root.
    #[must_use]
    pub fn parent(&self) -> Option<Arc<Self>> {
        self.place.read().parent.clone()
    }

    /// Its name there: empty for a root.
    #[must_use]
    pub fn name(&self) -> Arc<[u8]> {
        Arc::clone(&self.place.read().name)
    }

    /// Directory and name, both of one moment.
    #[must_use]
    pub fn place(&self) -> (Option<Arc<Self>>, Arc<[u8]>) {
        let place = self.place.read();
        (place.parent.clone(), Arc::clone(&place.name))
    }

    /// Whether the name was removed.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Acquire)
    }

    /// Whether a file without links may get one: it was made so.
    #[must_use]
    pub fn is_linkable(&self) -> bool {
        self.linkable.load(Ordering::Acquire)
    }

    /// It has been given its first name: once all are gone it gets no other.
    pub(crate) fn was_linked(&self) {
        self.linkable.store(false, Ordering::Release);
    }

    /// Whether something may be mounted upon it.
    #[must_use]
    pub fn is_mountpoint(&self) -> bool {
        self.mounts.load(Ordering::Acquire) != 0
    }

    /// Whether something is mounted upon it or below it.
    fn leads_to_mount(&self) -> bool {
        self.is_mountpoint() || self.leads.load(Ordering::Acquire) != 0
    }

    /// Whether it is `ancestor` or lies somewhere below it.
    #[must_use]
    pub fn is_within(self: &Arc<Self>, ancestor: &Arc<Self>) -> bool {
        let mut at = Some(Arc::clone(self));
        while let Some(dentry) = at {
            if Arc::ptr_eq(&dentry, ancestor) {
                return true;
            }
            at = dentry.parent();
        }
        false
    }

    pub(crate) fn known(&self, name: &[u8]) -> Known {
        match self.children.read().get(name) {
            None => Known::Unknown,
            Some(Child::Missing) => Known::Missing,
            Some(Child::Present(child)) => child.upgrade().map_or(Known::Unknown, |child| {
                child.recent.store(true, Ordering::Relaxed);
                Known::Present(child)
            }),
        }
    }

    /// The dentry of a name that the filesystem says is there. One that is known already stays, unless `replace` and it
    /// names another inode (mountpoints, and what leads to them, stay even then). `still` is asked under the lock whether the answer is still good.
    ///
    /// The second value tells whether the dentry is new.
    pub(crate) fn adopt(
        self: &Arc<Self>,
        name: &[u8],
        inode: &InodeRef,
        replace: bool,
        still: impl FnOnce() -> bool,
    ) -> Option<(Arc<Self>, bool)> {
        let mut children = self.children.write();
        if !still() {
            return None;
        }
        if let Some(Child::Present(child)) = children.get(name)
            && let Some(child) = child.upgrade()
        {
            let same = Arc::ptr_eq(&child.inode, inode)
                || child.leads_to_mount() && child.inode.kind() == inode.kind();
            if same || !replace {
                drop(children);
                return Some((child, false));
            }
            // The old dentry must not be dropped under the lock, which its drop takes.
            let name: Arc<[u8]> = Arc::from(name);
            let new = Self::make(Arc::clone(inode), Some(Arc::clone(self)), Arc::clone(&name));
            children.insert(name, Child::Present(Arc::downgrade(&new)));
            drop(children);
            drop(child);
            return Some((new, true));
        }
        let name: Arc<[u8]> = Arc::from(name);
        let new = Self::make(Arc::clone(inode), Some(Arc::clone(self)), Arc::clone(&name));
        children.insert(name, Child::Present(Arc::downgrade(&new)));
        Some((new, true))
    }

    /// Remembers that a name is missing. `still` as for [`Self::adopt`]; true if it was remembered.
    pub(crate) fn note_missing(&self, name: Arc<[u8]>, still: impl FnOnce() -> bool) -> bool {
        let mut children = self.children.write();
        let live = matches!(children.get(&name), Some(Child::Present(c)) if c.strong_count() > 0);
        if live || !still() {
            return false;
        }
        children.insert(name, Child::Missing);
        true
    }

    /// Forgets that a name is missing.
    pub(crate) fn forget_missing(&self, name: &[u8]) {
        let mut children = self.children.write();
        if matches!(children.get(name), Some(Child::Missing)) {
            children.remove(name);
        }
    }

    /// Something is mounted upon it. Returns what leads to it, which is told of the mount's end too.
    pub(crate) fn become_mountpoint(self: &Arc<Self>) -> Vec<Arc<Self>> {
        self.mounts.fetch_add(1, Ordering::AcqRel);
        self.stay();
        let mut way = Vec::new();
        let mut at = self.parent();
        while let Some(dentry) = at {
            dentry.leads.fetch_add(1, Ordering::AcqRel);
            dentry.stay();
            at = dentry.parent();
            way.push(dentry);
        }
        way
    }

    /// Its directory leads to it from now on, even if somebody has looked the name up since it was found, and the filesystem showed another
    /// inode then, as /proc does.
    fn stay(self: &Arc<Self>) {
        let (Some(parent), name) = self.place() else { return };
        let mut children = parent.children.write();
        // What is replaced must not be dropped under the lock, which its drop takes.
        let other = match children.get(&name) {
            Some(Child::Present(child)) => child.upgrade(),
            _ => None,
        };
        let taken = other.as_ref().is_some_and(|other| Arc::ptr_eq(other, self) || other.leads_to_mount());
        if !taken && !self.is_deleted() {
            children.insert(name, Child::Present(Arc::downgrade(self)));
        }
        drop(children);
        drop(other);
    }

    /// Forgets a name, whatever is known of it, without marking its dentry deleted.
    pub(crate) fn forget(&self, name: &[u8]) {
        self.children.write().remove(name);
    }

    /// The name was removed: the dentry lives on with those who use it.
    pub(crate) fn remove_child(&self, name: &[u8]) {
        let removed = self.children.write().remove(name);
        if let Some(Child::Present(child)) = removed
            && let Some(child) = child.upgrade()
        {
            child.deleted.store(true, Ordering::Release);
        }
    }

    /// The name moved to `to` as `name`; what it replaced there is deleted.
    pub(crate) fn move_to(self: &Arc<Self>, to: &Arc<Self>, name: &[u8]) {
        let (old_parent, old_name) = self.place();
        if let Some(parent) = &old_parent {
            parent.forget(&old_name);
        }
        to.remove_child(name);
        self.take_place(to, name);
    }

    /// The two names were exchanged.
    pub(crate) fn exchange_with(self: &Arc<Self>, other: &Arc<Self>) {
        let ((first_parent, first), (second_parent, second)) = (self.place(), other.place());
        if let (Some(first_parent), Some(second_parent)) = (first_parent, second_parent) {
            self.take_place(&second_parent, &second);
            other.take_place(&first_parent, &first);
        }
    }

    fn take_place(self: &Arc<Self>, parent: &Arc<Self>, name: &[u8]) {
        let name: Arc<[u8]> = Arc::from(name);
        let old = {
            let mut place = self.place.write();
            place.name = Arc::clone(&name);
            place.parent.replace(Arc::clone(parent))
        };
        parent.children.write().insert(name, Child::Present(Arc::downgrade(self)));
        drop(old);
    }
}

impl Drop for Dentry {
    fn drop(&mut self) {
        // A tree can be as deep as the guest likes: its ancestors are let go one after the other, not recursively.
        let mut parent = unlink_from_parent(self);
        while let Some(next) = parent {
            parent = Arc::into_inner(next).and_then(|mut last| unlink_from_parent(&mut last));
        }
    }
}

fn unlink_from_parent(dentry: &mut Dentry) -> Option<Arc<Dentry>> {
    let own: *const Dentry = dentry;
    let place = dentry.place.get_mut();
    let parent = place.parent.take()?;
    let mut children = parent.children.write();
    // Another dentry of the name may have been made between this one's last reference and now.
    if matches!(children.get(&place.name), Some(Child::Present(child)) if std::ptr::eq(child.as_ptr(), own)) {
        children.remove(&place.name);
    }
    drop(children);
    Some(parent)
}

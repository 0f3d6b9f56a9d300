//! A mounted filesystem with what the VFS keeps for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use abi::Errno;
use parking_lot::Mutex;

use crate::dentry::{Dentry, Known};
use crate::dentry_cache::DentryCache;
use crate::file_handle::{FileHandle, Handles};
use crate::filesystem::FileSystemRef;
use crate::waiting::SleepLock;
use crate::{InodeRef, Name, UserNamespace};

/// A filesystem instance, its tree of dentries and their cache. All mounts of one instance share it.
pub struct SuperBlock {
    user: Arc<UserNamespace>,
    filesystem: FileSystemRef,
    root: Arc<Dentry>,
    cache: DentryCache,
    /// Whether names that were found are kept.
    caches_names: AtomicBool,
    /// Counts changes of names: what was looked up before a change must not be cached after it.
    changes: AtomicU64,
    /// Held over renames between directories, so that ancestry holds still.
    pub(crate) renames: SleepLock<()>,
    read_only: AtomicBool,
    /// Descriptions open for writing, through all mounts.
    writers: AtomicU64,
    handles: Mutex<Handles>,
}

impl SuperBlock {
    /// A superblock for a filesystem. Make one only for each instance: dentries of two do not know each other.
    #[must_use]
    pub fn new(filesystem: FileSystemRef) -> Arc<Self> {
        Self::of(filesystem, UserNamespace::initial())
    }

    /// As [`Self::new`], for a filesystem that was mounted in a user namespace: devices, set-ID bits and file capabilities in it mean nothing
    /// outside.
    #[must_use]
    pub fn of(filesystem: FileSystemRef, user: Arc<UserNamespace>) -> Arc<Self> {
        Arc::new(Self {
            user,
            root: Dentry::root(filesystem.root()),
            caches_names: AtomicBool::new(filesystem.caches_names()),
            cache: DentryCache::new(filesystem.names_kept()),
            filesystem,
            changes: AtomicU64::new(0),
            renames: SleepLock::new(()),
            read_only: AtomicBool::new(false),
            writers: AtomicU64::new(0),
            handles: Mutex::default(),
        })
    }

    /// The user namespace that it belongs to.
    #[must_use]
    pub const fn user(&self) -> &Arc<UserNamespace> {
        &self.user
    }

    /// The filesystem.
    #[must_use]
    pub const fn filesystem(&self) -> &FileSystemRef {
        &self.filesystem
    }

    /// The dentry of its root directory.
    #[must_use]
    pub const fn root(&self) -> &Arc<Dentry> {
        &self.root
    }

    /// Whether all of it is read-only, whatever the mounts say.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only.load(Ordering::Acquire)
    }

    /// Makes all of it read-only, or writable again.
    pub fn set_read_only(&self, on: bool) {
        self.read_only.store(on, Ordering::Release);
    }

    /// Whether anything is open for writing.
    #[must_use]
    pub fn has_writers(&self) -> bool {
        self.writers.load(Ordering::Acquire) > 0
    }

    pub(crate) fn add_writer(&self) {
        self.writers.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn remove_writer(&self) {
        self.writers.fetch_sub(1, Ordering::AcqRel);
    }

    pub(crate) fn caches_names(&self) -> bool {
        self.caches_names.load(Ordering::Acquire)
    }

    /// From now on names come and go without the VFS, as in the upper layer of an overlay: each is looked up whenever it is used.
    pub fn stop_caching(&self) {
        self.caches_names.store(false, Ordering::Release);
        self.cache.clear();
    }

    /// Forgets the names that nobody uses (`/proc/sys/vm/drop_caches`, unmounting).
    pub fn drop_names(&self) {
        self.cache.clear();
    }

    /// What is known of a name without asking the filesystem.
    pub(crate) fn known(&self, directory: &Dentry, name: &[u8]) -> Known {
        if self.caches_names() { directory.known(name) } else { Known::Unknown }
    }

    /// Where the count of changes stands: take it before a lookup whose result goes to [`Self::learn`].
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// A name is about to appear, vanish or move in the dentries as it did in the filesystem.
    pub(crate) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes over the result of a lookup made when the count of changes was `since`. Nothing if it may be outdated.
    pub(crate) fn learn(
        &self,
        directory: &Arc<Dentry>,
        name: Name<'_>,
        inode: &InodeRef,
        since: u64,
    ) -> Option<Arc<Dentry>> {
        let still = || self.changes() == since;
        let (dentry, new) = directory.adopt(name.as_bytes(), inode, !self.caches_names(), still)?;
        if new && self.caches_names() {
            self.cache.keep(&dentry);
        }
        Some(dentry)
    }

    /// Takes over that a lookup found nothing.
    pub(crate) fn learn_missing(&self, directory: &Arc<Dentry>, name: Name<'_>, since: u64) {
        if self.caches_names() && !directory.is_deleted() {
            let name: Arc<[u8]> = Arc::from(name.as_bytes());
            if directory.note_missing(Arc::clone(&name), || self.changes() == since) {
                self.cache.keep_missing(directory, name);
            }
        }
    }

    /// Looks a name up while the directory's `changes` lock is held: the answer is exact until it is released.
    ///
    /// # Errors
    /// Those of the filesystem but `ENOENT`, which is `None`.
    pub(crate) fn find_locked(
        &self,
        directory: &Arc<Dentry>,
        name: Name<'_>,
    ) -> Result<Option<Arc<Dentry>>, Errno> {
        match self.known(directory, name.as_bytes()) {
            Known::Present(dentry) => return Ok(Some(dentry)),
            Known::Missing => return Ok(None),
            Known::Unknown => {}
        }
        match directory.inode_ref().lookup(name) {
            Ok(inode) => Ok(Some(self.insert_locked(directory, name, &inode))),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The dentry of a name that is known to be there, while the directory's `changes` lock is held.
    pub(crate) fn insert_locked(
        &self,
        directory: &Arc<Dentry>,
        name: Name<'_>,
        inode: &InodeRef,
    ) -> Arc<Dentry> {
        let adopted = directory.adopt(name.as_bytes(), inode, !self.caches_names(), || true);
        let (dentry, new) = adopted.unwrap_or_else(|| {
            (Dentry::unnamed(directory, Arc::clone(inode), name.as_bytes(), false), false)
        });
        if new && self.caches_names() {
            self.cache.keep(&dentry);
        }
        dentry
    }

    /// Makes a name for the kernel's own purposes (device nodes, mountpoints), or takes what is there.
    ///
    /// # Errors
    /// Those of `maker`, which makes the inode in the directory that it is given.
    pub fn make(
        &self,
        directory: &Arc<Dentry>,
        name: Name<'_>,
        maker: impl FnOnce(&InodeRef) -> Result<InodeRef, Errno>,
    ) -> Result<Arc<Dentry>, Errno> {
        let _changes = directory.changes.lock();
        if let Some(dentry) = self.find_locked(directory, name)? {
            return Ok(dentry);
        }
        let inode = maker(directory.inode_ref())?;
        self.changed();
        directory.forget_missing(name.as_bytes());
        Ok(self.insert_locked(directory, name, &inode))
    }

    /// A name was removed in the filesystem.
    pub(crate) fn removed(&self, directory: &Arc<Dentry>, dentry: &Arc<Dentry>) {
        self.changed();
        directory.remove_child(&dentry.name());
        self.release(dentry);
    }

    /// A replaced dentry, already out of its directory, is kept no longer.
    pub(crate) fn release(&self, dentry: &Arc<Dentry>) {
        self.cache.release(dentry);
        let unlinked = self.handles.lock().unlinked(dentry);
        drop(unlinked);
    }

    /// The handle of a file of this filesystem.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if it gives none.
    pub fn handle(&self, dentry: &Arc<Dentry>) -> Result<FileHandle, Errno> {
        if let Some(handle) = self.filesystem.own_handle(dentry.inode_ref()) {
            return Ok(handle);
        }
        if !self.filesystem.gives_handles() {
            return Err(Errno::EOPNOTSUPP);
        }
        let number = dentry.inode_ref().attributes()?.inode;
        let (handle, forgotten) = self.handles.lock().give(number, dentry, self.filesystem.names_kept());
        drop(forgotten);
        Ok(handle)
    }

    /// The file of a handle.
    ///
    /// # Errors
    /// `ESTALE` if there is none any more.
    pub fn by_handle(&self, handle: &FileHandle) -> Result<Arc<Dentry>, Errno> {
        match self.filesystem.by_own_handle(handle) {
            // Which name it has nobody knows.
            Some(inode) => {
                let inode = inode?;
                let is_root = Arc::ptr_eq(&inode, self.root.inode_ref());
                Ok(if is_root { Arc::clone(&self.root) } else { Dentry::root(inode) })
            }
            None => self.handles.lock().find(handle),
        }
    }

    /// How many dentries are kept for their next use.
    #[must_use]
    pub fn names_kept(&self) -> usize {
        self.cache.len()
    }
}

impl Drop for SuperBlock {
    fn drop(&mut self) {
        self.cache.clear();
    }
}

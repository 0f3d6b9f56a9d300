//! A mounted filesystem: its inodes, and what its server tells of them unasked.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use abi::Errno;
use parking_lot::Mutex;
use vfs::file_handle::FileHandle;
use vfs::filesystem::FileSystemRef;
use vfs::{Device, FileSystem, FileSystemStatistics, InodeRef, Name, SuperBlock};

use crate::connection::{Connection, connections};
use crate::file::Polls;
use crate::mount::Options;
use crate::node::{Kept, Node};
use crate::wire::{InitFlags, MAGIC, NotifyRetrieveOut, ROOT};

/// A filesystem as the VFS has it mounted. With it the connection ends.
pub(crate) struct FuseFs {
    shared: Arc<Shared>,
    root: Arc<Node>,
}

/// What its inodes share: it stays as long as any of them.
pub(crate) struct Shared {
    pub(crate) connection: Arc<Connection>,
    pub(crate) options: Options,
    /// Every inode that somebody holds, by the server's number for it.
    nodes: Mutex<HashMap<u64, Weak<Node>>>,
    /// Those that nobody uses and that stay known.
    pub(crate) kept: Kept,
    pub(crate) polls: Polls,
    filesystem: Mutex<Weak<FuseFs>>,
    superblock: Mutex<Weak<SuperBlock>>,
}

impl Shared {
    pub(crate) fn new(connection: Arc<Connection>, options: Options) -> Arc<Self> {
        let shared = Arc::new(Self {
            connection,
            options,
            nodes: Mutex::default(),
            kept: Kept::default(),
            polls: Polls::default(),
            filesystem: Mutex::default(),
            superblock: Mutex::default(),
        });
        shared.connection.serve(&shared);
        shared
    }

    /// The filesystem. Made anew if only open files were left of it; then its connection has ended.
    pub(crate) fn filesystem(self: &Arc<Self>) -> FileSystemRef {
        let mut filesystem = self.filesystem.lock();
        if let Some(filesystem) = filesystem.upgrade() {
            return filesystem;
        }
        let root = self.known(ROOT).unwrap_or_else(|| Node::root(self));
        self.nodes.lock().insert(ROOT, Arc::downgrade(&root));
        let new = Arc::new(FuseFs { shared: Arc::clone(self), root });
        *filesystem = Arc::downgrade(&new);
        new
    }

    /// What all mounts of it show, as long as there is one.
    pub(crate) fn superblock(&self) -> Option<Arc<SuperBlock>> {
        self.superblock.lock().upgrade()
    }

    /// Says what its mounts show.
    pub(crate) fn mounted_as(&self, superblock: &Arc<SuperBlock>) {
        *self.superblock.lock() = Arc::downgrade(superblock);
    }

    /// The inode of this number, if somebody holds it.
    pub(crate) fn known(&self, id: u64) -> Option<Arc<Node>> {
        self.nodes.lock().get(&id).and_then(Weak::upgrade)
    }

    /// The inode of this number if it is `fit`, else what `make` makes in its place.
    pub(crate) fn intern(
        &self,
        id: u64,
        fit: impl FnOnce(&Node) -> bool,
        make: impl FnOnce() -> Arc<Node>,
    ) -> Arc<Node> {
        let mut nodes = self.nodes.lock();
        let known = nodes.get(&id).and_then(Weak::upgrade);
        let unfit = match known {
            Some(node) if fit(&node) => return node,
            known => known,
        };
        let node = make();
        nodes.insert(id, Arc::downgrade(&node));
        drop(nodes);
        // The last reference may be this one, and its end takes the lock.
        drop(unfit);
        node
    }

    /// An inode is gone.
    pub(crate) fn gone(&self, id: u64) {
        let mut nodes = self.nodes.lock();
        // Another one may have taken its place.
        if nodes.get(&id).is_some_and(|node| node.strong_count() == 0) {
            nodes.remove(&id);
        }
    }

    /// All inodes that somebody holds.
    pub(crate) fn all(&self) -> Vec<Arc<Node>> {
        self.nodes.lock().values().filter_map(Weak::upgrade).collect()
    }

    /// NOTIFY_POLL: a file may be ready.
    pub(crate) fn poll_woken(&self, handle: u64) {
        self.polls.wake(handle);
    }

    /// NOTIFY_INVAL_INODE: attributes, and content from `offset` on if that is not negative: `length` bytes, or all for zero.
    ///
    /// # Errors
    /// `ENOENT` if the inode is not known.
    pub(crate) fn invalidate(&self, id: u64, offset: i64, length: i64) -> Result<(), Errno> {
        let node = self.known(id).ok_or(Errno::ENOENT)?;
        node.attributes_outdated();
        if let Ok(start) = u64::try_from(offset) {
            let end = match u64::try_from(length) {
                Ok(length) if length > 0 => start.saturating_add(length),
                _ => u64::MAX,
            };
            node.content_outdated(start, end);
        }
        Ok(())
    }

    /// NOTIFY_INVAL_ENTRY, and NOTIFY_DELETE if `child` is what the name must name. `expires` if the name is only to be asked for again.
    ///
    /// # Errors
    /// `ENOENT` if directory or name are not known, `ENOTDIR`, `EBUSY`.
    pub(crate) fn invalidate_name(
        &self,
        parent: u64,
        name: Name<'_>,
        child: Option<u64>,
        expires: bool,
    ) -> Result<(), Errno> {
        let directory = self.known(parent).ok_or(Errno::ENOENT)?;
        if !directory.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        directory.attributes_outdated();
        directory.listing.forget();
        directory.name_outdated(name.as_bytes(), child, expires)
    }

    /// NOTIFY_PRUNE: an inode that nobody uses is let go.
    pub(crate) fn prune(&self, id: u64) {
        if let Some(node) = self.known(id) {
            self.kept.let_go(&node);
        }
    }

    /// NOTIFY_STORE: content for the cache.
    ///
    /// # Errors
    /// `ENOENT` if the inode is not known, `EINVAL` for what is no regular file.
    pub(crate) fn store(&self, id: u64, offset: u64, data: &[u8]) -> Result<(), Errno> {
        let node = self.known(id).ok_or(Errno::ENOENT)?;
        node.store(offset, data)
    }

    /// NOTIFY_RETRIEVE: content from the cache.
    ///
    /// # Errors
    /// `ENOENT` if the inode is not known.
    pub(crate) fn retrieve(&self, wanted: &NotifyRetrieveOut) -> Result<(), Errno> {
        let node = self.known(wanted.nodeid).ok_or(Errno::ENOENT)?;
        node.retrieve(wanted);
        Ok(())
    }
}

impl FileSystem for FuseFs {
    fn kind(&self) -> &'static str {
        "fuse"
    }

    fn full_kind(&self) -> String {
        let subtype = &self.shared.options.subtype;
        if subtype.is_empty() {
            return String::from("fuse");
        }
        format!("fuse.{}", String::from_utf8_lossy(subtype))
    }

    fn device(&self) -> Device {
        self.shared.connection.device
    }

    fn root(&self) -> InodeRef {
        Arc::clone(&self.root) as InodeRef
    }

    fn statistics(&self) -> Result<FileSystemStatistics, Errno> {
        let told = match self.root.admits_current() {
            true => self.shared.connection.statfs(ROOT)?,
            // Those who may not use it see an empty one.
            false => return Ok(FileSystemStatistics { magic: MAGIC, ..Default::default() }),
        };
        Ok(FileSystemStatistics {
            magic: MAGIC,
            block_size: told.frsize.into(),
            blocks: told.blocks,
            blocks_free: told.bfree,
            blocks_available: told.bavail,
            files: told.files,
            files_free: told.ffree,
            name_length: told.namelen.into(),
        })
    }

    fn sync(&self) -> Result<(), Errno> {
        self.shared.all().iter().try_for_each(|node| node.write_back())
    }

    fn stack_depth(&self) -> u32 {
        self.shared.connection.stack_depth()
    }

    fn own_handle(&self, inode: &InodeRef) -> Option<FileHandle> {
        let node = inode.as_any().downcast_ref::<Node>()?;
        (!self.shared.connection.has(InitFlags::NO_EXPORT_SUPPORT)).then(|| node.handle())
    }

    fn by_own_handle(&self, handle: &FileHandle) -> Option<Result<InodeRef, Errno>> {
        if self.shared.connection.has(InitFlags::NO_EXPORT_SUPPORT) {
            return Some(Err(Errno::ESTALE));
        }
        Some(Node::by_handle(&self.shared, handle).map(|node| node as InodeRef))
    }

    fn options(&self) -> String {
        self.shared.options.shown(self.root.checks_modes())
    }

    /// Names are known for as long as the server says, which is this crate's to see to.
    fn caches_names(&self) -> bool {
        false
    }
}

impl Drop for FuseFs {
    fn drop(&mut self) {
        connections().remove(&self.shared.connection);
        self.shared.kept.clear();
        self.shared.connection.unmounted();
    }
}

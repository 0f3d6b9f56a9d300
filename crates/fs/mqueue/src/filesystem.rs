//! The queues of an IPC namespace.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use abi::Errno;
use parking_lot::Mutex;
use vfs::filesystem::FileSystemRef;
use vfs::mount::Mount;
use vfs::mount_flags::MountFlags;
use vfs::path::Path;
use vfs::{
    Attributes, Device, FileKind, FileSystem, FileSystemStatistics, InodeRef, Name, Owner, SuperBlock,
    Timestamp, UserNamespace,
};

use crate::limits::{Shape, Usage};
use crate::node::{self, Node};
use crate::queue::Queue;
use crate::root::{self, Root};

/// `MQUEUE_MAGIC`.
const MAGIC: u64 = 0x1980_0202;
/// `RLIMIT_MSGQUEUE` unless it is told otherwise, in bytes.
pub(crate) const BYTES_DEFAULT: u64 = 819_200;

/// The queues of a namespace: a filesystem that is there whether it is mounted or not.
pub struct Mqueues {
    shared: Arc<Shared>,
    /// The kernel's own mount of it.
    mount: Arc<Mount>,
}

/// What a new queue shall be, and what its maker may have.
#[derive(Clone, Copy)]
pub struct Asked {
    /// Messages and their size.
    pub shape: Shape,
    /// `RLIMIT_MSGQUEUE`, in bytes.
    pub limit: u64,
    /// Whether the maker has CAP_SYS_RESOURCE.
    pub privileged: bool,
}

/// What the inodes share.
pub(crate) struct Shared {
    device: Device,
    usage: Arc<Usage>,
    pub(crate) queues: Mutex<HashMap<Box<[u8]>, Arc<Node>>>,
    next: Mutex<u64>,
    pub(crate) root: Mutex<Attributes>,
    own: Weak<Self>,
}

struct Superblock(Arc<Shared>);

impl Default for Mqueues {
    fn default() -> Self {
        Self::new(&UserNamespace::initial())
    }
}

impl Mqueues {
    /// An empty filesystem that belongs to a user namespace.
    #[must_use]
    pub fn new(user: &Arc<UserNamespace>) -> Self {
        let shared = Arc::new_cyclic(|own| Shared {
            device: Device::anonymous(),
            usage: Arc::default(),
            queues: Mutex::default(),
            next: Mutex::new(root::NUMBER + 1),
            root: Mutex::new(node::fresh(root::NUMBER, FileKind::Directory, 0o1777, Owner::default())),
            own: Weak::clone(own),
        });
        let superblock = SuperBlock::of(Arc::new(Superblock(Arc::clone(&shared))), Arc::clone(user));
        let mount = Mount::whole(superblock, b"mqueue", MountFlags::empty());
        Self { shared, mount }
    }
}

impl Mqueues {
    /// The filesystem, for mounting it elsewhere.
    #[must_use]
    pub fn superblock(&self) -> &Arc<SuperBlock> {
        self.mount.superblock()
    }

    /// The place of its root.
    #[must_use]
    pub fn root(&self) -> Path {
        self.mount.root_path()
    }

    /// Makes a queue, or takes the one that is there: the second value tells which.
    ///
    /// # Errors
    /// `ENOSPC`, `EMFILE`.
    pub fn make(&self, name: Name<'_>, mode: u32, owner: Owner, asked: Asked) -> Result<(Path, bool), Errno> {
        let root = self.root();
        let mut made = false;
        let dentry = self.superblock().make(&root.dentry, name, |_| {
            made = true;
            Ok(self.shared.create(name, mode, owner, asked)? as InodeRef)
        })?;
        Ok((root.with(dentry), made))
    }
}

impl Shared {
    /// The filesystem of an inode; an empty one if it is gone and only an open file is left of it.
    pub(crate) fn filesystem(own: &Weak<Self>) -> FileSystemRef {
        Arc::new(Superblock(own.upgrade().unwrap_or_else(|| Arc::clone(&Mqueues::default().shared))))
    }

    pub(crate) fn names_changed(&self) {
        let now = Timestamp::now();
        let mut root = self.root.lock();
        root.modified = now;
        root.changed = now;
        root.size = u64::try_from(self.queues.lock().len()).unwrap_or(0).saturating_mul(20);
    }

    pub(crate) fn create(
        &self,
        name: Name<'_>,
        mode: u32,
        owner: Owner,
        asked: Asked,
    ) -> Result<Arc<Node>, Errno> {
        let own = self.own.upgrade().ok_or(Errno::ENOENT)?;
        let reservation = self.usage.reserve(asked.shape, owner.uid, asked.limit, asked.privileged)?;
        let inode = {
            let mut next = self.next.lock();
            let inode = *next;
            *next = inode.saturating_add(1);
            inode
        };
        let queue = Queue::new(asked.shape, reservation);
        let node = Node::new(&own, queue, node::fresh(inode, FileKind::Regular, mode, owner));
        self.queues.lock().insert(Box::from(name.as_bytes()), Arc::clone(&node));
        self.names_changed();
        Ok(node)
    }
}

impl FileSystem for Superblock {
    fn kind(&self) -> &'static str {
        "mqueue"
    }

    fn device(&self) -> Device {
        self.0.device
    }

    fn root(&self) -> InodeRef {
        Root::new(&self.0)
    }

    fn statistics(&self) -> Result<FileSystemStatistics, Errno> {
        Ok(FileSystemStatistics {
            magic: MAGIC,
            block_size: 4096,
            name_length: 255,
            ..FileSystemStatistics::default()
        })
    }
}

//! A tmpfs instance.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use abi::Errno;
use vfs::{Device, FileKind, FileSystem, FileSystemStatistics, InodeRef, Owner};

use crate::node::{Body, Node};
use crate::options::{Given, Options};
use crate::quota::Quota;
use crate::store::Store;

/// `TMPFS_MAGIC`.
const MAGIC: u64 = 0x0102_1994;

/// A filesystem in memory.
pub struct Tmpfs {
    pub(crate) shared: Arc<Shared>,
    root: Arc<Node>,
}

/// What the nodes of one filesystem share.
pub(crate) struct Shared {
    name: &'static str,
    pub(crate) device: Device,
    pub(crate) pages: Quota,
    pub(crate) inodes: Quota,
    next_inode: AtomicU64,
    memory: u64,
    options: Options,
    /// Where content lies if not in memory.
    pub(crate) store: Option<Arc<Store>>,
    filesystem: Weak<Tmpfs>,
}

impl Tmpfs {
    /// A new filesystem, on a machine with so many bytes of memory (which `size=50%` is relative to).
    #[must_use]
    pub fn new(options: Options, memory: u64) -> Arc<Self> {
        Self::named("tmpfs", options, memory)
    }

    /// A new filesystem that calls itself something else in /proc/mounts, as devtmpfs does.
    #[must_use]
    pub fn named(name: &'static str, options: Options, memory: u64) -> Arc<Self> {
        Self::make(name, options, memory, None)
    }

    /// A new filesystem whose files' content lies in a file of the host. What a guest maps is moved to memory.
    #[must_use]
    pub fn stored(options: Options, memory: u64, store: Arc<Store>) -> Arc<Self> {
        Self::make("tmpfs", options, memory, Some(store))
    }

    fn make(name: &'static str, options: Options, memory: u64, store: Option<Arc<Store>>) -> Arc<Self> {
        Arc::new_cyclic(|filesystem| {
            let shared = Arc::new(Shared {
                name,
                device: Device::anonymous(),
                pages: Quota::new(options.size / 4096),
                inodes: Quota::new(options.inodes),
                next_inode: AtomicU64::new(1),
                memory,
                options,
                store,
                filesystem: Weak::clone(filesystem),
            });
            let owner = Owner { uid: options.uid, gid: options.gid };
            let root = Node::root(&shared, options.mode, owner);
            Self { shared, root }
        })
    }
}

impl Shared {
    /// Pages that one call can reserve at most: of what lies in memory, no more than the machine has.
    pub(crate) fn reservable(&self) -> u64 {
        if self.store.is_some() { u64::MAX } else { self.memory / 4096 }
    }

    pub(crate) fn next_inode(&self) -> u64 {
        self.next_inode.fetch_add(1, Ordering::Relaxed)
    }

    /// The filesystem; one with an empty root if it is gone already and only an open file is left of it.
    pub(crate) fn filesystem(self: &Arc<Self>) -> Arc<dyn FileSystem> {
        match self.filesystem.upgrade() {
            Some(filesystem) => filesystem,
            None => {
                let root = Node::root(self, self.options.mode, Owner::default());
                Arc::new(Tmpfs { shared: Arc::clone(self), root })
            }
        }
    }
}

impl FileSystem for Tmpfs {
    fn kind(&self) -> &'static str {
        self.shared.name
    }

    fn allows_ids(&self) -> bool {
        self.shared.name == "tmpfs"
    }

    fn gives_handles(&self) -> bool {
        true
    }

    fn device(&self) -> Device {
        self.shared.device
    }

    fn root(&self) -> InodeRef {
        Arc::clone(&self.root) as InodeRef
    }

    fn statistics(&self) -> Result<FileSystemStatistics, Errno> {
        let count = |quota: &Quota| match quota.limit() {
            limit if limit >= u64::MAX / 4096 => (0, 0),
            limit => (limit, limit.saturating_sub(quota.used())),
        };
        let (blocks, blocks_free) = count(&self.shared.pages);
        let (files, files_free) = count(&self.shared.inodes);
        Ok(FileSystemStatistics {
            magic: MAGIC,
            block_size: 4096,
            blocks,
            blocks_free,
            blocks_available: blocks_free,
            files,
            files_free,
            name_length: 255,
        })
    }

    fn options(&self) -> String {
        let shared = &self.shared;
        let (size, inodes) = (shared.pages.limit(), shared.inodes.limit());
        let mut text = String::new();
        if size < u64::MAX / 4096 && size != Options::for_memory(shared.memory).size / 4096 {
            text.push_str(&format!(",size={}k", size.saturating_mul(4)));
        }
        if inodes != u64::MAX && inodes != Options::for_memory(shared.memory).inodes {
            text.push_str(&format!(",nr_inodes={inodes}"));
        }
        if shared.options.mode != 0o1777 {
            text.push_str(&format!(",mode={:o}", shared.options.mode));
        }
        for (name, id) in [("uid", shared.options.uid), ("gid", shared.options.gid)] {
            if id != 0 {
                text.push_str(&format!(",{name}={id}"));
            }
        }
        text
    }

    fn remount(&self, options: &[u8]) -> Result<(), Errno> {
        let given = Given::parse(options, self.shared.memory)?;
        if let Some(size) = given.size {
            self.shared.pages.set_limit(size / 4096)?;
        }
        if let Some(inodes) = given.inodes {
            self.shared.inodes.set_limit(inodes)?;
        }
        Ok(())
    }
}

impl Tmpfs {
    /// A regular file without a name, as memfd_create(2) makes them.
    pub(crate) fn unnamed(&self, mode: u32, owner: Owner, seals: crate::Seals) -> Result<Arc<Node>, Errno> {
        Node::make(
            &self.shared,
            FileKind::Regular,
            Body::regular(&self.shared, seals),
            mode,
            owner,
            Device::default(),
        )
    }
}

//! The superblock.

use std::sync::{Arc, Weak};

use abi::Errno;
use vfs::{Device, FileSystem, FileSystemStatistics, InodeRef};

use crate::inode::{Node, NodeInode};

/// A filesystem of generated files.
pub struct Synthetic;

impl Synthetic {
    /// A filesystem of this kind (`proc`), with its magic number, its device number and its root directory.
    #[expect(clippy::new_ret_no_self, reason = "what a caller needs is the filesystem as the VFS knows it")]
    #[must_use]
    pub fn new(kind: &'static str, magic: u64, device: Device, root: Node) -> Arc<dyn FileSystem> {
        Arc::new_cyclic(|this| Superblock { kind, magic, device, root: Some(root), this: Weak::clone(this) })
    }
}

pub(crate) struct Superblock {
    kind: &'static str,
    magic: u64,
    device: Device,
    root: Option<Node>,
    this: Weak<Self>,
}

impl Superblock {
    /// What an inode shows whose filesystem has been unmounted and dropped.
    pub(crate) fn orphan() -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            kind: "none",
            magic: 0,
            device: Device::default(),
            root: None,
            this: Weak::clone(this),
        })
    }
}

struct Empty;

impl crate::Directory for Empty {
    fn lookup(&self, _: &[u8]) -> Option<Node> {
        None
    }

    fn list(&self) -> Vec<(Vec<u8>, u64, vfs::FileKind)> {
        Vec::new()
    }
}

impl FileSystem for Superblock {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn device(&self) -> Device {
        self.device
    }

    fn root(&self) -> InodeRef {
        let empty = || {
            let meta = crate::Meta { inode: 1, mode: 0o555, owner: vfs::Owner::default() };
            Node::Directory(meta, Arc::new(Empty))
        };
        NodeInode::new(self.root.clone().unwrap_or_else(empty), &self.this)
    }

    fn statistics(&self) -> Result<FileSystemStatistics, Errno> {
        Ok(FileSystemStatistics {
            magic: self.magic,
            block_size: 4096,
            name_length: 255,
            ..Default::default()
        })
    }

    fn caches_names(&self) -> bool {
        false
    }
}

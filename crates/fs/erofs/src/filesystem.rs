//! A mounted image.

use std::sync::{Arc, Weak};

use abi::Errno;
use vfs::{Device, FileKind, FileSystem, FileSystemStatistics, InodeRef};

use crate::content::Disk;
use crate::image::Image;
use crate::node::Node;
use crate::superblock::{MAGIC, Superblock};

/// What all inodes of an image share.
pub(crate) struct Mounted {
    pub(crate) image: Box<dyn Image>,
    pub(crate) superblock: Superblock,
    device: Device,
    /// How many filesystems lie below it.
    depth: u32,
    filesystem: Weak<Erofs>,
}

/// The filesystem.
pub(crate) struct Erofs {
    mounted: Arc<Mounted>,
    root: Arc<Node>,
}

/// Mounts an image, which lies in a filesystem over so many others.
///
/// # Errors
/// `EINVAL` if it is none, `EBADMSG` if its superblock was changed, `EOPNOTSUPP` if it needs what is not known here, `EUCLEAN`, `EIO`.
pub fn mount(image: Box<dyn Image>, depth: u32) -> Result<Arc<dyn FileSystem>, Errno> {
    let superblock = Superblock::read(image.as_ref())?;
    let root = Disk::read(image.as_ref(), &superblock, superblock.root)?;
    if root.attributes.kind != FileKind::Directory {
        return Err(Errno::EINVAL);
    }
    Ok(Arc::new_cyclic(|filesystem| {
        let device = Device::anonymous();
        let mounted =
            Arc::new(Mounted { image, superblock, device, depth, filesystem: Weak::clone(filesystem) });
        Erofs { root: Node::new(&mounted, root), mounted }
    }))
}

impl Mounted {
    /// The filesystem; another object for it if only an open file is left.
    pub(crate) fn filesystem(self: &Arc<Self>, any: &Arc<Node>) -> Arc<dyn FileSystem> {
        match self.filesystem.upgrade() {
            Some(filesystem) => filesystem,
            None => Arc::new(Erofs { mounted: Arc::clone(self), root: Arc::clone(any) }),
        }
    }

    pub(crate) fn content(&self, file: &Disk, offset: u64, into: &mut [u8]) -> Result<usize, Errno> {
        file.content(self.image.as_ref(), &self.superblock, offset, into)
    }

    pub(crate) fn inode(&self, number: u64) -> Result<Disk, Errno> {
        Disk::read(self.image.as_ref(), &self.superblock, number)
    }
}

impl FileSystem for Erofs {
    fn kind(&self) -> &'static str {
        "erofs"
    }

    fn device(&self) -> Device {
        self.mounted.device
    }

    fn stack_depth(&self) -> u32 {
        self.mounted.depth
    }

    fn root(&self) -> InodeRef {
        Arc::clone(&self.root) as InodeRef
    }

    fn statistics(&self) -> Result<FileSystemStatistics, Errno> {
        let superblock = &self.mounted.superblock;
        Ok(FileSystemStatistics {
            magic: u64::from(MAGIC),
            block_size: superblock.block(),
            blocks: superblock.blocks,
            blocks_free: 0,
            blocks_available: 0,
            files: u64::MAX,
            files_free: u64::MAX.saturating_sub(superblock.inodes),
            name_length: 255,
        })
    }

    fn allows_ids(&self) -> bool {
        true
    }

    fn options(&self) -> String {
        String::from(",user_xattr,acl")
    }
}

//! `mount -t erofs`: an image in a file, which is mounted as such, without a device.

use std::sync::Arc;

use abi::Errno;
use erofs::OpenImage;
use vfs::caller::At;
use vfs::{FileKind, FileSystemType, MountOption, MountRequest, OpenHow, SuperBlock};

use super::overlay_options::STACK_MOST;

/// The type.
pub(super) struct Images;

impl FileSystemType for Images {
    fn name(&self) -> &'static str {
        "erofs"
    }

    fn check(&self, option: &MountOption) -> Result<(), Errno> {
        match (option.key.as_slice(), option.value.as_deref()) {
            // What it has anyway; how compressed data is read ahead makes no difference where there is none.
            (b"user_xattr" | b"acl", None)
            | (b"cache_strategy", Some(b"disabled" | b"readahead" | b"readaround")) => Ok(()),
            _ => Err(Errno::EINVAL),
        }
    }

    fn make(&self, request: &MountRequest<'_>) -> Result<Arc<SuperBlock>, Errno> {
        request.options.iter().try_for_each(|option| self.check(option))?;
        let file = request.caller.open(&At::here(request.source), &OpenHow::lenient(0, 0)?)?;
        let inode = file.inode().ok_or(Errno::ENOTBLK)?;
        // An image in an image is read by going through both, and so on.
        let depth = inode.filesystem().stack_depth().saturating_add(1);
        if inode.kind() != FileKind::Regular || depth > STACK_MOST {
            return Err(Errno::ENOTBLK);
        }
        let superblock = SuperBlock::new(erofs::mount(Box::new(OpenImage(file)), depth)?);
        superblock.set_read_only(true);
        Ok(superblock)
    }
}

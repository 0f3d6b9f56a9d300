//! A layer over a file that is mounted alone: overlays are of directories, so it gets one that nobody sees.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use vfs::filesystem::FileSystemRef;
use vfs::{
    AttributeChange, Attributes, Credentials, Device, File, FileKind, FileSystem, FileSystemStatistics,
    Inode, InodeRef, Name, OpenFlags,
};

/// What the file is called there.
pub(super) const NAME: &[u8] = b"file";

/// A directory with one file.
pub(super) struct Around(pub(super) InodeRef);

impl Inode for Around {
    fn filesystem(&self) -> FileSystemRef {
        self.0.filesystem()
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        let file = self.0.attributes()?;
        // The file's number belongs to the file.
        Ok(Attributes { kind: FileKind::Directory, mode: 0o700, links: 2, inode: !file.inode, ..file })
    }

    fn kind(&self) -> FileKind {
        FileKind::Directory
    }

    fn set_attributes(&self, _: &AttributeChange) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn lookup(&self, name: Name<'_>) -> Result<InodeRef, Errno> {
        if name.as_bytes() == NAME { Ok(Arc::clone(&self.0)) } else { Err(Errno::ENOENT) }
    }

    fn open(self: Arc<Self>, _: OpenFlags, _: &Credentials) -> Result<Arc<dyn File>, Errno> {
        Err(Errno::EACCES)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A filesystem of which one file is mounted.
pub(super) struct Part {
    pub(super) whole: Arc<dyn FileSystem>,
    pub(super) root: InodeRef,
}

impl FileSystem for Part {
    fn kind(&self) -> &'static str {
        self.whole.kind()
    }

    fn device(&self) -> Device {
        self.whole.device()
    }

    fn root(&self) -> InodeRef {
        Arc::clone(&self.root)
    }

    fn statistics(&self) -> Result<FileSystemStatistics, Errno> {
        self.whole.statistics()
    }

    fn sync(&self) -> Result<(), Errno> {
        self.whole.sync()
    }

    fn options(&self) -> String {
        self.whole.options()
    }

    fn stack_depth(&self) -> u32 {
        self.whole.stack_depth()
    }
}

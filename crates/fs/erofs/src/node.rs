//! An inode as the VFS sees it.

use std::any::Any;
use std::sync::{Arc, Weak};

use abi::Errno;
use parking_lot::Mutex;
use vfs::filesystem::FileSystemRef;
use vfs::{
    Acl, AclKind, AttributeChange, Attributes, Credentials, File, FileKind, Inode, InodeRef, LinkTarget,
    Name, OpenFlags,
};

use crate::content::Disk;
use crate::directory;
use crate::file::{DirectoryFile, RegularFile};
use crate::filesystem::Mounted;
use crate::mapped::Mapped;
use crate::xattrs;

/// `PATH_MAX`: the longest that a link leads, bytes.
const LINK_MAX: u64 = 4096;

/// A file of an image.
pub(crate) struct Node {
    own: Weak<Self>,
    pub(crate) mounted: Arc<Mounted>,
    pub(crate) disk: Disk,
    /// What guests map of it.
    pub(crate) mapped: Mutex<Option<Mapped>>,
    usage: vfs::Usage,
}

impl Node {
    pub(crate) fn new(mounted: &Arc<Mounted>, disk: Disk) -> Arc<Self> {
        Arc::new_cyclic(|own| Self {
            own: Weak::clone(own),
            mounted: Arc::clone(mounted),
            disk,
            mapped: Mutex::new(None),
            usage: vfs::Usage::new(),
        })
    }

    fn xattrs(&self) -> Result<Vec<xattrs::Xattr>, Errno> {
        xattrs::all(&self.mounted, &self.disk)
    }
}

impl Inode for Node {
    fn filesystem(&self) -> FileSystemRef {
        // Whoever asks holds it.
        let own = self.own.upgrade().unwrap_or_else(|| Self::new(&self.mounted, self.disk.clone()));
        self.mounted.filesystem(&own)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(self.disk.attributes)
    }

    fn kind(&self) -> FileKind {
        self.disk.attributes.kind
    }

    fn set_attributes(&self, _: &AttributeChange) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn lookup(&self, name: Name<'_>) -> Result<InodeRef, Errno> {
        let number = directory::find(&self.mounted, &self.disk, name.as_bytes())?;
        Ok(Self::new(&self.mounted, self.mounted.inode(number)?))
    }

    fn read_link(&self, _: &Credentials) -> Result<LinkTarget, Errno> {
        let size = self.disk.attributes.size;
        if self.kind() != FileKind::Symlink {
            return Err(Errno::EINVAL);
        }
        if size == 0 || size >= LINK_MAX {
            return Err(Errno::EUCLEAN);
        }
        let mut target = vec![0; usize::try_from(size).unwrap_or(0)];
        self.mounted.content(&self.disk, 0, &mut target)?;
        if target.contains(&0) { Err(Errno::EUCLEAN) } else { Ok(LinkTarget::Path(target)) }
    }

    fn open(self: Arc<Self>, _: OpenFlags, _: &Credentials) -> Result<Arc<dyn File>, Errno> {
        match self.kind() {
            FileKind::Regular => Ok(Arc::new(RegularFile(self))),
            FileKind::Directory => Ok(Arc::new(DirectoryFile(self))),
            _ => Err(Errno::ENXIO),
        }
    }

    fn xattr(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        let found = self.xattrs()?.into_iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value).ok_or(Errno::ENODATA)
    }

    fn set_xattr(&self, _: &[u8], _: &[u8], _: bool, _: bool) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn remove_xattr(&self, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn xattr_names(&self) -> Result<Vec<Vec<u8>>, Errno> {
        Ok(self.xattrs()?.into_iter().map(|(name, _)| name).collect())
    }

    fn acl(&self, kind: AclKind) -> Option<Acl> {
        Acl::parse(&self.xattr(kind.xattr()).ok()?).ok().flatten()
    }

    fn keeps_acls(&self) -> bool {
        true
    }

    fn usage(&self) -> Option<&vfs::Usage> {
        Some(&self.usage)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

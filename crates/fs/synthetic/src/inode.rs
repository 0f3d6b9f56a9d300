//! Nodes and the inodes that show them.

use std::any::Any;
use std::sync::{Arc, Weak};

use abi::Errno;
use vfs::filesystem::FileSystemRef;
use vfs::inode::LinkTarget;
use vfs::{
    Access, AttributeChange, Attributes, Credentials, Device, File, FileKind, Inode, InodeRef, Name,
    OpenFlags, Owner, Timestamp,
};

use crate::directory::OpenDirectory;
use crate::file::OpenContent;
use crate::filesystem::Superblock;

/// What every node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Inode number. The same thing must have the same number each time it is looked up.
    pub inode: u64,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub owner: Owner,
}

/// A generated file.
pub trait Content: Send + Sync {
    /// The whole text as it is now.
    ///
    /// # Errors
    /// `ESRCH` when what it tells of is gone, `EACCES`.
    fn generate(&self) -> Result<Vec<u8>, Errno>;

    /// Takes what one write(2) at an offset wrote.
    ///
    /// # Errors
    /// `EINVAL` for a text that makes no sense, `EACCES` for a file that takes none.
    fn store(&self, offset: u64, text: &[u8]) -> Result<(), Errno> {
        let _ = (offset, text);
        Err(Errno::EACCES)
    }

    /// What is opened in its place, if the text depends on who opens it.
    fn opened_by(&self, credentials: &Credentials) -> Option<Arc<dyn Content>> {
        let _ = credentials;
        None
    }

    /// Whether open(2) is allowed to this caller, beyond the permission bits.
    ///
    /// # Errors
    /// `EACCES`.
    fn check_open(&self, credentials: &Credentials) -> Result<(), Errno> {
        let _ = credentials;
        Ok(())
    }
}

/// A generated symbolic link.
pub trait Link: Send + Sync {
    /// Where it leads now.
    ///
    /// # Errors
    /// `ENOENT`, `EACCES`.
    fn target(&self, credentials: &Credentials) -> Result<LinkTarget, Errno>;
}

/// A generated directory.
pub trait Directory: Send + Sync {
    /// The node of a name.
    fn lookup(&self, name: &[u8]) -> Option<Node>;

    /// Whether whoever looks right now may, whatever the permission bits say.
    fn admits_viewer(&self) -> bool {
        false
    }

    /// All names with their inode numbers and types, in a stable order, `.` and `..` left out.
    fn list(&self) -> Vec<(Vec<u8>, u64, FileKind)>;

    /// The process that it stands for, if it is /proc/PID.
    fn process_id(&self) -> Option<i32> {
        None
    }

    /// How many directories are in it, for the link count.
    fn subdirectories(&self) -> u64 {
        0
    }
}

/// A node of the tree.
#[derive(Clone)]
pub enum Node {
    /// A directory.
    Directory(Meta, Arc<dyn Directory>),
    /// A file.
    File(Meta, Arc<dyn Content>),
    /// A symbolic link.
    Link(Meta, Arc<dyn Link>),
}

impl Node {
    pub(crate) const fn meta(&self) -> &Meta {
        match self {
            Self::Directory(meta, _) | Self::File(meta, _) | Self::Link(meta, _) => meta,
        }
    }

    pub(crate) const fn kind(&self) -> FileKind {
        match self {
            Self::Directory(..) => FileKind::Directory,
            Self::File(..) => FileKind::Regular,
            Self::Link(..) => FileKind::Symlink,
        }
    }
}

/// The inode of a node.
pub(crate) struct NodeInode {
    node: Node,
    superblock: Weak<Superblock>,
    born: Timestamp,
}

impl NodeInode {
    pub(crate) fn new(node: Node, superblock: &Weak<Superblock>) -> Arc<Self> {
        Arc::new(Self { node, superblock: Weak::clone(superblock), born: Timestamp::now() })
    }
}

impl Inode for NodeInode {
    fn filesystem(&self) -> FileSystemRef {
        match self.superblock.upgrade() {
            Some(superblock) => superblock,
            None => Superblock::orphan(),
        }
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        let meta = self.node.meta();
        let links = match &self.node {
            Node::Directory(_, directory) => directory.subdirectories().saturating_add(2),
            _ => 1,
        };
        Ok(Attributes {
            inode: meta.inode,
            kind: self.node.kind(),
            mode: meta.mode,
            links,
            owner: meta.owner,
            device: Device::default(),
            size: 0,
            blocks: 0,
            block_size: 1024,
            accessed: self.born,
            modified: self.born,
            changed: self.born,
            born: None,
            flags: None,
        })
    }

    fn kind(&self) -> FileKind {
        self.node.kind()
    }

    fn permission(&self, _: &Credentials, _: Access, _: bool) -> Option<Result<(), Errno>> {
        let Node::Directory(_, directory) = &self.node else { return None };
        directory.admits_viewer().then_some(Ok(()))
    }

    fn is_for_mounts(&self) -> bool {
        matches!(&self.node, Node::Directory(_, directory) if directory.list().is_empty())
    }

    fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        // Opening for writing truncates, which generated files take without effect, as Linux's do.
        let AttributeChange { mode, uid, gid, size: _, accessed, modified } = change;
        let other =
            mode.is_some() || uid.is_some() || gid.is_some() || accessed.is_some() || modified.is_some();
        if other { Err(Errno::EPERM) } else { Ok(()) }
    }

    fn lookup(&self, name: Name<'_>) -> Result<InodeRef, Errno> {
        let Node::Directory(_, directory) = &self.node else { return Err(Errno::ENOTDIR) };
        let node = directory.lookup(name.as_bytes()).ok_or(Errno::ENOENT)?;
        Ok(Self::new(node, &self.superblock))
    }

    /// Nothing can be made here; Linux says it so.
    fn create(&self, _: Name<'_>, _: FileKind, _: u32, _: Owner, _: Device) -> Result<InodeRef, Errno> {
        Err(Errno::ENOENT)
    }

    fn create_directory(&self, _: Name<'_>, _: u32, _: Owner) -> Result<InodeRef, Errno> {
        Err(Errno::ENOENT)
    }

    fn read_link(&self, credentials: &Credentials) -> Result<LinkTarget, Errno> {
        match &self.node {
            Node::Link(_, link) => link.target(credentials),
            _ => Err(Errno::EINVAL),
        }
    }

    fn open(self: Arc<Self>, _: OpenFlags, credentials: &Credentials) -> Result<Arc<dyn File>, Errno> {
        match &self.node {
            Node::Directory(meta, directory) => {
                Ok(Arc::new(OpenDirectory::new(meta.inode, Arc::clone(directory))))
            }
            Node::File(_, content) => {
                content.check_open(credentials)?;
                let content = content.opened_by(credentials).unwrap_or_else(|| Arc::clone(content));
                Ok(Arc::new(OpenContent::new(content)))
            }
            Node::Link(..) => Err(Errno::ELOOP),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

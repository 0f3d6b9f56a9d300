//! The directory of queues.

use std::any::Any;
use std::sync::{Arc, Weak};

use abi::Errno;
use vfs::filesystem::FileSystemRef;
use vfs::{
    AttributeChange, Attributes, Credentials, Device, DirectoryEntry, DirectorySink, File, FileKind, Inode,
    InodeRef, Name, OpenFlags, Owner, Timestamp,
};

use crate::filesystem::{Asked, Shared};
use crate::limits::Shape;
use crate::node;

/// Its inode number.
pub(crate) const NUMBER: u64 = 1;

/// The root, which is the only directory.
pub(crate) struct Root {
    shared: Weak<Shared>,
}

impl Root {
    pub(crate) fn new(shared: &Arc<Shared>) -> Arc<Self> {
        Arc::new(Self { shared: Arc::downgrade(shared) })
    }

    fn shared(&self) -> Result<Arc<Shared>, Errno> {
        self.shared.upgrade().ok_or(Errno::ENOENT)
    }
}

impl Inode for Root {
    fn filesystem(&self) -> FileSystemRef {
        Shared::filesystem(&self.shared)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(*self.shared()?.root.lock())
    }

    fn kind(&self) -> FileKind {
        FileKind::Directory
    }

    fn set_attributes(&self, wanted: &AttributeChange) -> Result<(), Errno> {
        node::change(&mut self.shared()?.root.lock(), wanted);
        Ok(())
    }

    fn lookup(&self, name: Name<'_>) -> Result<InodeRef, Errno> {
        let shared = self.shared()?;
        let queues = shared.queues.lock();
        queues.get(name.as_bytes()).map(|node| Arc::clone(node) as InodeRef).ok_or(Errno::ENOENT)
    }

    /// A queue of the default shape.
    fn create(
        &self,
        name: Name<'_>,
        kind: FileKind,
        mode: u32,
        owner: Owner,
        _: Device,
    ) -> Result<InodeRef, Errno> {
        if kind != FileKind::Regular {
            return Err(Errno::EPERM);
        }
        // Whoever makes it by open(2) has the limit that all have unless they are told otherwise.
        let asked =
            Asked { shape: Shape::default(), limit: crate::filesystem::BYTES_DEFAULT, privileged: false };
        Ok(self.shared()?.create(name, mode, owner, asked)?)
    }

    fn unlink(&self, name: Name<'_>) -> Result<(), Errno> {
        let shared = self.shared()?;
        let removed = shared.queues.lock().remove(name.as_bytes()).ok_or(Errno::ENOENT)?;
        let now = Timestamp::now();
        let mut attributes = removed.attributes.lock();
        attributes.links = 0;
        attributes.changed = now;
        drop(attributes);
        shared.names_changed();
        Ok(())
    }

    fn open(self: Arc<Self>, _: OpenFlags, _: &Credentials) -> Result<Arc<dyn File>, Errno> {
        Ok(Arc::new(Listing { root: self }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The directory, open.
struct Listing {
    root: Arc<Root>,
}

impl File for Listing {
    fn read_directory(&self, position: u64, into: &mut dyn DirectorySink) -> Result<(), Errno> {
        let dots = [(&b"."[..], 0_u64), (&b".."[..], 1)];
        for (name, at) in dots {
            let entry = DirectoryEntry { inode: NUMBER, kind: FileKind::Directory, name, next: at + 1 };
            if at >= position && !into.put(&entry) {
                return Ok(());
            }
        }
        let mut queues: Vec<_> = {
            let shared = self.root.shared()?;
            let queues = shared.queues.lock();
            queues.iter().map(|(name, node)| (node.attributes.lock().inode, name.to_vec())).collect()
        };
        queues.sort_unstable();
        for (inode, name) in queues {
            // The positions are those of inode numbers, which stay as others come and go.
            let at = inode.saturating_add(1);
            let next = at.saturating_add(1);
            let entry = DirectoryEntry { inode, kind: FileKind::Regular, name: &name, next };
            if at >= position && !into.put(&entry) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

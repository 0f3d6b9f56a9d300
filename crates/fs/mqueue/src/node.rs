//! A queue as a file.

use std::any::Any;
use std::sync::{Arc, Weak};

use abi::Errno;
use parking_lot::Mutex;
use vfs::filesystem::FileSystemRef;
use vfs::{
    AttributeChange, Attributes, Credentials, Device, File, FileKind, Inode, OpenFlags, Owner, TimeChange,
    Timestamp,
};

use crate::file::QueueFile;
use crate::filesystem::Shared;
use crate::queue::Queue;

/// Bytes that reading a queue's file is said to give.
const SIZE: u64 = 80;

/// The inode of a queue.
pub(crate) struct Node {
    shared: Weak<Shared>,
    queue: Arc<Queue>,
    pub(crate) attributes: Mutex<Attributes>,
}

/// The attributes of something that is made now.
pub(crate) fn fresh(inode: u64, kind: FileKind, mode: u32, owner: Owner) -> Attributes {
    let now = Timestamp::now();
    let directory = kind == FileKind::Directory;
    Attributes {
        inode,
        kind,
        mode: mode & 0o7777,
        links: if directory { 2 } else { 1 },
        owner,
        device: Device::default(),
        size: if directory { 0 } else { SIZE },
        blocks: 0,
        block_size: 4096,
        accessed: now,
        modified: now,
        changed: now,
        born: None,
        flags: None,
    }
}

/// Changes attributes as asked; a size is ignored, as Linux does.
pub(crate) fn change(attributes: &mut Attributes, change: &AttributeChange) {
    let now = Timestamp::now();
    let time = |change: TimeChange| match change {
        TimeChange::Now => now,
        TimeChange::To(at) => at,
    };
    attributes.mode = change.mode.map_or(attributes.mode, |mode| mode & 0o7777);
    attributes.owner.uid = change.uid.unwrap_or(attributes.owner.uid);
    attributes.owner.gid = change.gid.unwrap_or(attributes.owner.gid);
    attributes.accessed = change.accessed.map_or(attributes.accessed, time);
    attributes.modified = change.modified.map_or(attributes.modified, time);
    attributes.changed = now;
}

impl Node {
    pub(crate) fn new(shared: &Arc<Shared>, queue: Arc<Queue>, attributes: Attributes) -> Arc<Self> {
        Arc::new(Self { shared: Arc::downgrade(shared), queue, attributes: Mutex::new(attributes) })
    }
}

impl Inode for Node {
    fn filesystem(&self) -> FileSystemRef {
        Shared::filesystem(&self.shared)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(*self.attributes.lock())
    }

    fn kind(&self) -> FileKind {
        FileKind::Regular
    }

    fn set_attributes(&self, wanted: &AttributeChange) -> Result<(), Errno> {
        change(&mut self.attributes.lock(), wanted);
        Ok(())
    }

    fn open(self: Arc<Self>, _: OpenFlags, _: &Credentials) -> Result<Arc<dyn File>, Errno> {
        Ok(Arc::new(QueueFile::new(Arc::clone(&self.queue))))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

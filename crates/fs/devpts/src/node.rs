//! The nodes of an instance: `ptmx` and the slaves.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::filesystem::FileSystemRef;
use vfs::{
    AttributeChange, Attributes, Credentials, Device, File, FileKind, Inode, OpenFlags, Owner, Terminal,
    Timestamp,
};

use crate::filesystem::{Devpts, Instance};
use crate::pair::Pair;

/// The device number of `ptmx`.
const PTMX: Device = Device::new(5, 2);

/// What a node opens.
pub(crate) enum Place {
    /// A new pair.
    Ptmx,
    /// A slave.
    Slave(Arc<Pair>),
}

/// A character device node.
pub(crate) struct Node {
    instance: Arc<Instance>,
    place: Place,
    attributes: Arc<Mutex<Attributes>>,
}

/// What a new node has.
pub(crate) fn attributes(place: &Place, mode: u32, owner: Owner) -> Attributes {
    let (inode, device) = match place {
        Place::Ptmx => (2, PTMX),
        Place::Slave(pair) => (u64::from(pair.number).saturating_add(3), pair.device()),
    };
    let now = Timestamp::now();
    Attributes {
        inode,
        kind: FileKind::CharacterDevice,
        mode,
        links: 1,
        owner,
        device,
        size: 0,
        blocks: 0,
        block_size: 1024,
        accessed: now,
        modified: now,
        changed: now,
        born: None,
        flags: None,
    }
}

impl Node {
    pub(crate) fn new(
        instance: Arc<Instance>,
        place: Place,
        attributes: Arc<Mutex<Attributes>>,
    ) -> Arc<Self> {
        Arc::new(Self { instance, place, attributes })
    }
}

impl Inode for Node {
    fn filesystem(&self) -> FileSystemRef {
        Devpts::of(&self.instance)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(*self.attributes.lock())
    }

    fn kind(&self) -> FileKind {
        FileKind::CharacterDevice
    }

    fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        if change.size.is_some() {
            return Err(Errno::EINVAL);
        }
        change.apply(&mut self.attributes.lock());
        Ok(())
    }

    fn open(self: Arc<Self>, _: OpenFlags, credentials: &Credentials) -> Result<Arc<dyn File>, Errno> {
        match &self.place {
            Place::Ptmx => Ok(self.instance.open_master(credentials)?),
            Place::Slave(pair) => pair.open_slave(credentials),
        }
    }

    fn opens_itself(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

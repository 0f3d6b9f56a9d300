//! An instance of devpts.

use std::collections::BTreeMap;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{Attributes, Credentials, Device, FileSystem, FileSystemStatistics, InodeRef, Owner, Timestamp};

use crate::master::MasterFile;
use crate::node::{self, Node, Place};
use crate::options::Options;
use crate::pair::Pair;
use crate::ptys::Ptys;
use crate::root::Root;

/// `DEVPTS_SUPER_MAGIC`.
const MAGIC: u64 = 0x1cd1;

/// A filesystem of pseudoterminals.
pub struct Devpts(Arc<Instance>);

impl Devpts {
    /// A new instance, without terminals.
    #[must_use]
    pub fn new(options: Options, ptys: Arc<Ptys>) -> Arc<Self> {
        let ptmx = node::attributes(&Place::Ptmx, options.ptmx_mode, Owner::default());
        Arc::new(Self(Arc::new(Instance {
            ptys,
            device: Device::anonymous(),
            options: Mutex::new(options),
            pairs: Mutex::default(),
            ptmx: Arc::new(Mutex::new(ptmx)),
            born: Timestamp::now(),
        })))
    }

    /// The filesystem of an inode.
    pub(crate) fn of(instance: &Arc<Instance>) -> Arc<Self> {
        Arc::new(Self(Arc::clone(instance)))
    }

    /// Makes a terminal: its master, as opening `ptmx` does.
    ///
    /// # Errors
    /// `ENOSPC` with too many of them.
    pub fn open_master(&self, credentials: &Credentials) -> Result<Arc<MasterFile>, Errno> {
        self.0.open_master(credentials)
    }
}

/// What all inodes of a filesystem share.
pub(crate) struct Instance {
    pub(crate) ptys: Arc<Ptys>,
    device: Device,
    options: Mutex<Options>,
    /// By number; without a node those whose master is closed already.
    pairs: Mutex<BTreeMap<u32, Option<Arc<Node>>>>,
    ptmx: Arc<Mutex<Attributes>>,
    pub(crate) born: Timestamp,
}

impl Instance {
    /// As [`Devpts::open_master`].
    pub(crate) fn open_master(self: &Arc<Self>, credentials: &Credentials) -> Result<Arc<MasterFile>, Errno> {
        let options = *self.options.lock();
        let id = self.ptys.take()?;
        let mut pairs = self.pairs.lock();
        let Some(number) = free_number(&pairs).filter(|number| *number < options.max) else {
            drop(pairs);
            self.ptys.give_back();
            return Err(Errno::ENOSPC);
        };
        let pair = Pair::new(id, number, Arc::clone(self));
        let owner = Owner {
            uid: options.uid.unwrap_or(credentials.fsuid),
            gid: options.gid.unwrap_or(credentials.fsgid),
        };
        let place = Place::Slave(Arc::clone(&pair));
        let attributes = Arc::new(Mutex::new(node::attributes(&place, options.mode, owner)));
        pairs.insert(number, Some(Node::new(Arc::clone(self), place, attributes)));
        Ok(Arc::new(MasterFile::new(pair)))
    }

    /// The node of `ptmx`.
    pub(crate) fn ptmx(self: &Arc<Self>) -> Arc<Node> {
        Node::new(Arc::clone(self), Place::Ptmx, Arc::clone(&self.ptmx))
    }

    /// The node of a number.
    pub(crate) fn node(&self, number: u32) -> Option<Arc<Node>> {
        self.pairs.lock().get(&number).cloned().flatten()
    }

    /// The numbers that have nodes.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        let pairs = self.pairs.lock();
        pairs.iter().filter(|(_, node)| node.is_some()).map(|(number, _)| *number).collect()
    }

    /// Takes a node away; its number stays in use.
    pub(crate) fn hide(&self, number: u32) {
        let node = self.pairs.lock().get_mut(&number).and_then(Option::take);
        drop(node);
    }

    /// A pair is closed on both sides.
    pub(crate) fn forget(&self, number: u32) {
        if self.pairs.lock().remove(&number).is_some() {
            self.ptys.give_back();
        }
    }
}

/// The lowest number that is not in use.
fn free_number<T>(pairs: &BTreeMap<u32, T>) -> Option<u32> {
    let used = pairs.keys().copied();
    let gap = (0..).zip(used).find(|(number, used)| number != used);
    gap.map_or_else(|| u32::try_from(pairs.len()).ok(), |(number, _)| Some(number))
}

impl FileSystem for Devpts {
    fn kind(&self) -> &'static str {
        "devpts"
    }

    fn device(&self) -> Device {
        self.0.device
    }

    fn root(&self) -> InodeRef {
        Arc::new(Root::new(Arc::clone(&self.0)))
    }

    fn statistics(&self) -> Result<FileSystemStatistics, Errno> {
        Ok(FileSystemStatistics { magic: MAGIC, block_size: 4096, name_length: 255, ..Default::default() })
    }

    fn options(&self) -> String {
        self.0.options.lock().shown()
    }

    fn remount(&self, options: &[u8]) -> Result<(), Errno> {
        let options = Options::parse(options)?;
        *self.0.options.lock() = options;
        self.0.ptmx.lock().mode = options.ptmx_mode;
        Ok(())
    }

    /// Terminals come and go by themselves.
    fn caches_names(&self) -> bool {
        false
    }
}

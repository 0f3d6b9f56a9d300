//! An overlay instance.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use abi::Errno;
use parking_lot::Mutex;
use vfs::filesystem::NAMES_KEPT;
use vfs::{CapabilitySet, Credentials, Device, FileSystem, FileSystemStatistics, InodeRef};

use crate::marks::Marks;
use crate::node::{Lower, Node};
use crate::redirect::Redirects;

/// `OVERLAYFS_SUPER_MAGIC`.
const MAGIC: u64 = 0x794c_7630;

/// The layer that changes go to.
#[derive(Clone)]
pub struct Upper {
    /// Its root directory.
    pub root: InodeRef,
    /// An empty directory of the same filesystem, outside of the root, where things are made ready.
    pub work: InodeRef,
    /// A directory of the same filesystem that remembers, from one mount to the next, copies of files with several names in a lower layer.
    pub index: Option<InodeRef>,
}

/// How an overlay works.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Where it keeps its marks.
    pub marks: Marks,
    /// What it does about renamed directories.
    pub redirects: Redirects,
    /// Whether a file whose attributes alone change is copied without its content.
    pub metacopy: bool,
}

/// A mounted overlay.
pub struct Overlay {
    pub(crate) shared: Arc<Shared>,
    pub(crate) root: Arc<Node>,
}

/// What the nodes of one overlay share.
pub(crate) struct Shared {
    pub(crate) device: Device,
    pub(crate) upper: Option<Upper>,
    pub(crate) lowers: Arc<[Lower]>,
    pub(crate) marks: Marks,
    pub(crate) redirects: Redirects,
    pub(crate) metacopy: bool,
    /// Nodes in use, by their inode numbers: one object for each file.
    pub(crate) nodes: Mutex<HashMap<u64, Weak<Node>>>,
    /// Files of lower layers with several names, of which one was removed, added, or copied up, by inode number.
    pub(crate) several: Mutex<HashMap<u64, Several>>,
    /// Held over each change of names in the upper layer. Taken after a node's copy lock.
    pub(crate) names: Mutex<()>,
    next_temporary: AtomicU64,
    /// Who opens files of the layers to copy them.
    pub(crate) kernel: Credentials,
    options: String,
    filesystem: Weak<Overlay>,
}

/// A file that has several names in a lower layer, once that is not all that is to say of it.
pub(crate) struct Several {
    /// The copy, which is what its other names lead to.
    pub(crate) upper: Option<InodeRef>,
    /// Names in all layers.
    pub(crate) links: u64,
}

impl Overlay {
    /// An overlay of lower layers, the uppermost first, each given by its root directory; without an upper layer it is read-only.
    /// `options` is what /proc/mounts shows: `lowerdir=...`.
    ///
    /// # Errors
    /// Those of reading the roots.
    pub fn new(upper: Option<Upper>, lowers: Vec<InodeRef>, options: &str) -> Result<Arc<Self>, Errno> {
        Self::with(upper, lowers, Settings::default(), options)
    }

    /// As [`Self::new`], with other than the usual settings.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with(
        upper: Option<Upper>,
        lowers: Vec<InodeRef>,
        settings: Settings,
        options: &str,
    ) -> Result<Arc<Self>, Errno> {
        for root in lowers.iter().chain(upper.iter().map(|upper| &upper.root)) {
            root.attributes()?;
        }
        let number = |(layer, inode)| Lower { layer, inode };
        let lowers: Arc<[Lower]> = lowers.into_iter().enumerate().map(number).collect();
        let shared = |filesystem: &Weak<Self>| {
            Arc::new(Shared {
                device: Device::anonymous(),
                upper,
                lowers,
                marks: settings.marks,
                redirects: settings.redirects,
                metacopy: settings.metacopy,
                nodes: Mutex::default(),
                several: Mutex::default(),
                names: Mutex::new(()),
                next_temporary: AtomicU64::new(1),
                kernel: Credentials::root(CapabilitySet::FULL),
                options: String::from(options),
                filesystem: Weak::clone(filesystem),
            })
        };
        Ok(Arc::new_cyclic(|filesystem| {
            let shared = shared(filesystem);
            let root = shared.make_root();
            Self { shared, root }
        }))
    }
}

impl Shared {
    fn make_root(self: &Arc<Self>) -> Arc<Node> {
        let upper = self.upper.as_ref().map(|upper| Arc::clone(&upper.root));
        Node::root(self, upper, Arc::clone(&self.lowers))
    }

    /// The filesystem; another object for it if only an open file is left.
    pub(crate) fn filesystem(self: &Arc<Self>) -> Arc<dyn FileSystem> {
        match self.filesystem.upgrade() {
            Some(filesystem) => filesystem,
            None => Arc::new(Overlay { shared: Arc::clone(self), root: self.make_root() }),
        }
    }

    /// The upper layer.
    ///
    /// # Errors
    /// `EROFS` if there is none.
    pub(crate) fn upper(&self) -> Result<&Upper, Errno> {
        self.upper.as_ref().ok_or(Errno::EROFS)
    }

    /// The roots of all layers.
    fn layers(&self) -> impl Iterator<Item = &InodeRef> {
        let upper = self.upper.iter().map(|upper| &upper.root);
        upper.chain(self.lowers.iter().map(|lower| &lower.inode))
    }

    /// A name that nothing in the work directory has.
    pub(crate) fn temporary_name(&self) -> Vec<u8> {
        format!("#{}", self.next_temporary.fetch_add(1, Ordering::Relaxed)).into_bytes()
    }
}

impl FileSystem for Overlay {
    fn kind(&self) -> &'static str {
        "overlay"
    }

    fn device(&self) -> Device {
        self.shared.device
    }

    fn stack_depth(&self) -> u32 {
        let below = self.shared.layers().map(|root| root.filesystem().stack_depth()).max();
        below.unwrap_or(0).saturating_add(1)
    }

    fn names_kept(&self) -> usize {
        self.shared.layers().map(|root| root.filesystem().names_kept()).min().unwrap_or(NAMES_KEPT)
    }

    fn root(&self) -> InodeRef {
        Arc::clone(&self.root) as InodeRef
    }

    fn statistics(&self) -> Result<FileSystemStatistics, Errno> {
        let top = self.shared.upper.as_ref().map(|upper| &upper.root);
        let top = top.or(self.shared.lowers.first().map(|lower| &lower.inode));
        let statistics = top.ok_or(Errno::EIO)?.filesystem().statistics()?;
        Ok(FileSystemStatistics { magic: MAGIC, ..statistics })
    }

    fn sync(&self) -> Result<(), Errno> {
        self.shared.upper.as_ref().map_or(Ok(()), |upper| upper.root.filesystem().sync())
    }

    fn options(&self) -> String {
        self.shared.options.clone()
    }
}

//! An inode of an overlay: a file with its copies in the layers.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use abi::Errno;
use parking_lot::{Mutex, RwLock};
use vfs::{FileKind, InodeRef, Name};

use crate::filesystem::{Several, Shared};
use crate::listing::Listing;

/// A file of the overlay.
pub(crate) struct Node {
    pub(crate) shared: Arc<Shared>,
    own: Weak<Node>,
    /// The inode number that it is shown with, which a copy-up does not change.
    pub(crate) number: u64,
    pub(crate) kind: FileKind,
    layers: RwLock<Layers>,
    /// Where a copy has to be put; nothing for the root and for what was removed.
    place: Mutex<Option<Place>>,
    /// Held while it is copied up. Taken before [`Shared::names`], and never with that of a descendant's held.
    pub(crate) copying: Mutex<()>,
    /// Names removed from a file of a lower layer, counted here if it had only one.
    pub(crate) links: AtomicI64,
    /// Counts changes of a directory's names.
    pub(crate) version: AtomicU64,
    pub(crate) listing: Mutex<Weak<Listing>>,
    pub(crate) usage: vfs::Usage,
}

/// Where the file is in the layers: at least in one.
#[derive(Clone)]
pub(crate) struct Layers {
    /// In the upper layer.
    pub(crate) upper: Option<InodeRef>,
    /// In the lower layers, the uppermost first: of directories all that are merged, of others at most one.
    pub(crate) lowers: Arc<[Lower]>,
    /// What has the content of a regular file, if what is seen of it has everything else alone (`metacopy`).
    pub(crate) data: Option<InodeRef>,
}

/// A file of a lower layer.
#[derive(Clone)]
pub(crate) struct Lower {
    /// Which layer, counted from the uppermost.
    pub(crate) layer: usize,
    /// Its inode there.
    pub(crate) inode: InodeRef,
}

impl Layers {
    /// Of a file that the upper layer has alone.
    pub(crate) fn of_upper(upper: InodeRef) -> Self {
        Self { upper: Some(upper), lowers: Arc::from([]), data: None }
    }

    /// The inode that is seen.
    ///
    /// # Errors
    /// `EIO` if there is none, which does not happen.
    pub(crate) fn top(&self) -> Result<&InodeRef, Errno> {
        self.upper.as_ref().or(self.lowers.first().map(|lower| &lower.inode)).ok_or(Errno::EIO)
    }

    /// Whether a lower layer has a part in it.
    pub(crate) fn has_lower(&self) -> bool {
        !self.lowers.is_empty()
    }
}

/// A name in a directory.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) parent: Arc<Node>,
    pub(crate) name: Arc<[u8]>,
}

impl Node {
    pub(crate) fn root(shared: &Arc<Shared>, upper: Option<InodeRef>, lowers: Arc<[Lower]>) -> Arc<Self> {
        let layers = Layers { upper, lowers, data: None };
        let number = layers.top().and_then(|top| top.attributes()).map_or(1, |attributes| attributes.inode);
        Self::make(shared, number, FileKind::Directory, layers, None)
    }

    fn make(
        shared: &Arc<Shared>,
        number: u64,
        kind: FileKind,
        layers: Layers,
        place: Option<Place>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|own| Self {
            own: Weak::clone(own),
            shared: Arc::clone(shared),
            number,
            kind,
            layers: RwLock::new(layers),
            place: Mutex::new(place),
            copying: Mutex::new(()),
            links: AtomicI64::new(0),
            version: AtomicU64::new(0),
            listing: Mutex::new(Weak::new()),
            usage: vfs::Usage::new(),
        })
    }

    /// A shared reference to itself.
    ///
    /// # Errors
    /// `EIO` while it is being dropped, when nobody can ask.
    pub(crate) fn shared_reference(&self) -> Result<Arc<Self>, Errno> {
        self.own.upgrade().ok_or(Errno::EIO)
    }

    /// The node of a file: the one in use, or a new one.
    pub(crate) fn of(
        shared: &Arc<Shared>,
        number: u64,
        kind: FileKind,
        layers: Layers,
        place: Option<Place>,
    ) -> Arc<Self> {
        let mut nodes = shared.nodes.lock();
        // A node of another type is dropped after the lock, which its drop takes.
        let known = nodes.get(&number).and_then(Weak::upgrade);
        if let Some(node) = known.as_ref().filter(|node| node.kind == kind) {
            drop(nodes);
            node.found_at(place);
            return Arc::clone(node);
        }
        let node = Self::make(shared, number, kind, layers, place);
        nodes.insert(number, Arc::downgrade(&node));
        drop(nodes);
        drop(known);
        node
    }

    /// One of its names was walked to: if the one that it was known by is gone, this is where it lies now.
    fn found_at(&self, place: Option<Place>) {
        let mut own = self.place.lock();
        if own.is_none() {
            *own = place;
        }
    }

    pub(crate) fn layers(&self) -> Layers {
        self.layers.read().clone()
    }

    /// Its copy in the upper layer.
    pub(crate) fn upper(&self) -> Option<InodeRef> {
        self.layers.read().upper.clone()
    }

    /// Its copy in the upper layer, if that has its content too.
    pub(crate) fn whole_upper(&self) -> Option<InodeRef> {
        let layers = self.layers.read();
        layers.upper.as_ref().filter(|_| layers.data.is_none()).map(Arc::clone)
    }

    /// What has its content.
    pub(crate) fn content(&self) -> Result<InodeRef, Errno> {
        let layers = self.layers.read();
        layers.data.as_ref().map_or_else(|| layers.top().map(Arc::clone), |data| Ok(Arc::clone(data)))
    }

    /// The inode that is seen.
    pub(crate) fn top(&self) -> Result<InodeRef, Errno> {
        self.layers.read().top().map(Arc::clone)
    }

    /// Hard links.
    pub(crate) fn link_count(&self, layers: &Layers, of_top: u64) -> u64 {
        if self.kind == FileKind::Directory {
            // As Linux: nobody counts the subdirectories of a merged directory.
            let merged = layers.has_lower() && (layers.upper.is_some() || layers.lowers.len() > 1);
            return if merged { 1 } else { of_top };
        }
        if let Some(names) = self.shared.several.lock().get(&self.number) {
            return names.links;
        }
        let added = if layers.upper.is_some() { 0 } else { self.links.load(Ordering::Acquire) };
        of_top.saturating_add_signed(added)
    }

    /// A name was added or removed.
    pub(crate) fn count_link(&self, by: i64) -> Result<(), Errno> {
        let layers = self.layers();
        let before = layers.top()?.attributes()?.links;
        let mut several = self.shared.several.lock();
        if layers.upper.is_none() && before > 1 {
            several.entry(self.number).or_insert(Several { upper: None, links: before });
        }
        let Some(names) = several.get_mut(&self.number) else {
            self.links.fetch_add(by, Ordering::AcqRel);
            return Ok(());
        };
        names.links = names.links.saturating_add_signed(by);
        self.shared.index_count(self.number, names);
        let gone = if names.links == 0 { several.remove(&self.number) } else { None };
        drop(several);
        if gone.is_some() {
            self.links.store(0i64.saturating_sub_unsigned(before), Ordering::Release);
        }
        Ok(())
    }

    /// It has a copy now, without its content if that is `data`'s.
    pub(crate) fn set_upper(&self, upper: InodeRef, data: Option<InodeRef>) {
        let mut layers = self.layers.write();
        layers.upper = Some(upper);
        layers.data = data;
    }

    pub(crate) fn place(&self) -> Option<Place> {
        self.place.lock().clone()
    }

    pub(crate) fn set_place(&self, place: Option<Place>) {
        let old = std::mem::replace(&mut *self.place.lock(), place);
        drop(old);
    }

    /// Whether its place is this name.
    pub(crate) fn is_at(&self, parent: &Self, name: Name<'_>) -> bool {
        let place = self.place.lock();
        place.as_ref().is_some_and(|p| std::ptr::eq(p.parent.as_ref(), parent) && *p.name == *name.as_bytes())
    }

    /// Whether a lower layer of this directory has a file of the name, so that removing it takes a whiteout.
    pub(crate) fn lower_has(&self, name: Name<'_>) -> Result<bool, Errno> {
        for lower in self.layers().lowers.iter() {
            if let Some(inode) = crate::marks::find(&lower.inode, name)? {
                return crate::marks::is_whiteout(&inode).map(|whiteout| !whiteout);
            }
        }
        Ok(false)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut nodes = self.shared.nodes.lock();
        if nodes.get(&self.number).is_some_and(|node| node.strong_count() == 0) {
            nodes.remove(&self.number);
        }
        drop(nodes);
        // Ancestors are let go one after the other, not recursively: the guest decides how many there are.
        let mut parent = self.place.get_mut().take().map(|place| place.parent);
        while let Some(next) = parent {
            parent = Arc::into_inner(next).and_then(|mut node| node.place.get_mut().take().map(|p| p.parent));
        }
    }
}

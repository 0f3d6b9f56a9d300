//! What the listing of a directory told of its entries: a look at each of them then costs no message.
//!
//! A description is true as long as nothing changes the file. To change it somebody must hold its inode, and gets that by looking the name
//! up, which uses the description up; or by another name, so that files with several names are left out; or has
//! it already, so that files whose inode is held are left out too.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use vfs::{Attributes, FileKind};

use crate::inode::Node;
use crate::names::Names;

/// Entries described in one directory.
const ENTRIES_MOST: usize = 1024;
/// Directories with descriptions or known names.
const DIRECTORIES_MOST: usize = 64;

/// The descriptions of one directory's entries.
#[derive(Default)]
pub(crate) struct Listing {
    entries: HashMap<Box<[u8]>, Attributes>,
    /// Inodes that were made from a description, and that the server may not hold yet: it finds them by these names only.
    unheld: HashMap<Box<[u8]>, Weak<Node>>,
    /// Counts what makes descriptions that are on their way useless.
    epoch: u64,
    pub(crate) names: Names,
}

impl Listing {
    /// Where the count stands: take it before listing, and hand it to [`Self::describe`].
    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A name is looked up past the descriptions.
    pub(crate) const fn looked_up(&mut self) {
        self.epoch += 1;
    }

    /// The names changed.
    pub(crate) fn clear(&mut self) {
        self.epoch += 1;
        self.entries = HashMap::new();
    }

    /// Takes over what a listing begun at `epoch` told. Whether there is anything.
    pub(crate) fn describe(
        &mut self,
        epoch: u64,
        told: impl Iterator<Item = (Box<[u8]>, Attributes)>,
    ) -> bool {
        if epoch == self.epoch {
            let usable = told.filter(|(_, a)| a.links == 1 || a.kind == FileKind::Directory);
            let room = ENTRIES_MOST.saturating_sub(self.entries.len());
            self.entries.extend(usable.take(room));
        }
        !self.entries.is_empty()
    }

    /// Takes the description of an entry.
    pub(crate) fn take(&mut self, name: &[u8]) -> Option<Attributes> {
        self.entries.remove(name)
    }

    /// An inode was made that the server does not hold.
    pub(crate) fn unheld(&mut self, name: &[u8], node: &Arc<Node>) {
        if self.unheld.len() >= ENTRIES_MOST {
            self.unheld.retain(|_, node| node.upgrade().is_some_and(|node| !node.is_held()));
        }
        self.unheld.insert(name.into(), Arc::downgrade(node));
    }

    /// The inode that the server must come to hold before this name goes.
    pub(crate) fn take_unheld(&mut self, name: &[u8]) -> Option<Arc<Node>> {
        self.unheld.remove(name)?.upgrade()
    }
}

/// The directories with descriptions or known names, oldest first.
#[derive(Default)]
pub(crate) struct Recent(Mutex<VecDeque<Weak<Node>>>);

impl Recent {
    /// A directory has descriptions or known names now; another one may lose them.
    pub(crate) fn keep(&self, directory: &Arc<Node>) {
        let evicted = {
            let mut recent = self.0.lock();
            let this = Arc::downgrade(directory);
            if recent.iter().any(|other| Weak::ptr_eq(other, &this)) {
                return;
            }
            recent.push_back(this);
            if recent.len() > DIRECTORIES_MOST { recent.pop_front() } else { None }
        };
        if let Some(directory) = evicted.and_then(|directory| directory.upgrade()) {
            let mut listing = directory.listing.lock();
            listing.clear();
            listing.names.forget();
        }
    }
}

//! Changes that are made here while files are watched.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::inotify::WatchBits;
use vfs::Name;

use crate::filesystem::Shared;
use crate::inode::Node;

/// A name in a directory, by the server's identity of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    directory: u64,
    name: Box<[u8]>,
}

impl Place {
    fn new(directory: u64, name: Name<'_>) -> Self {
        Self { directory, name: name.as_bytes().into() }
    }

    pub(super) fn is(&self, directory: u64, name: &[u8]) -> bool {
        self.directory == directory && *self.name == *name
    }
}

/// What a change that is under way touches. What the host tells of that meanwhile is of this change, or of one by somebody else at the same moment that
/// looks just like it.
#[derive(Debug)]
pub(super) struct Own {
    places: Vec<Place>,
    files: Vec<u64>,
    bits: WatchBits,
}

impl Own {
    pub(super) fn is(&self, node: &Node, bits: WatchBits, name: Option<&[u8]>) -> bool {
        if !self.bits.intersects(bits) {
            return false;
        }
        match name {
            Some(name) => self.places.iter().any(|place| place.is(node.path, name)),
            None => {
                self.files.contains(&node.path)
                    || node.seen.lock().as_ref().is_some_and(|seen| self.places.contains(seen))
            }
        }
    }
}

/// A change that is under way, until this is dropped.
pub(crate) struct OwnChange(Arc<Shared>, u64);

impl Drop for OwnChange {
    fn drop(&mut self) {
        self.0.watches.end(self.1);
    }
}

impl Shared {
    fn own(self: &Arc<Self>, own: impl FnOnce() -> Own) -> Option<OwnChange> {
        let none = self.watches.count.load(Ordering::Acquire) == 0;
        (!none).then(|| OwnChange(Arc::clone(self), self.watches.begin(own())))
    }
}

impl Node {
    /// What it holds is about to change, or its attributes, or somebody who could change it goes.
    pub(crate) fn own_change(&self) -> Option<OwnChange> {
        self.shared.own(|| Own {
            places: self.seen.lock().iter().cloned().collect(),
            files: vec![self.path],
            bits: WatchBits::MODIFY | WatchBits::ATTRIB | WatchBits::CLOSE_WRITE,
        })
    }

    /// These names are about to come, go or move, and what they lead to with them.
    pub(crate) fn own_names(&self, names: &[(&Self, Name<'_>)], file: Option<u64>) -> Option<OwnChange> {
        self.shared.own(|| Own {
            places: names.iter().map(|(directory, name)| Place::new(directory.path, *name)).collect(),
            files: file.into_iter().collect(),
            bits: WatchBits::EVENTS,
        })
    }

    /// It was found by this name, in the directory of this identity, and is known by it.
    pub(crate) fn seen_at(&self, directory: u64, name: Name<'_>) {
        if self.shared.caching != crate::Caching::Exclusive {
            *self.seen.lock() = Some(Place::new(directory, name));
        }
    }
}

//! The names of a directory that are known.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Instant;

use parking_lot::Mutex;

use super::Node;

/// Names that one directory remembers.
const MOST: usize = 16_384;

/// Names and what they name, until when.
#[derive(Default)]
pub(super) struct Entries(Mutex<HashMap<Box<[u8]>, Entry>>);

struct Entry {
    /// Nothing if the server said that there is no such name.
    node: Option<Weak<Node>>,
    until: Instant,
    /// In which it was learnt.
    epoch: u64,
}

/// What is known of a name.
pub(super) enum Name {
    /// It names this.
    Present(Arc<Node>),
    /// It names nothing.
    Missing,
    /// Nothing is known.
    Unknown,
}

impl Entries {
    /// What a name names, by what was learnt in this epoch.
    pub(super) fn find(&self, name: &[u8], epoch: u64) -> Name {
        let mut entries = self.0.lock();
        let Some(entry) = entries.get(name) else { return Name::Unknown };
        let found = if entry.epoch != epoch || Instant::now() >= entry.until {
            Name::Unknown
        } else {
            match &entry.node {
                None => Name::Missing,
                Some(node) => node.upgrade().map_or(Name::Unknown, Name::Present),
            }
        };
        if matches!(found, Name::Unknown) {
            entries.remove(name);
        }
        found
    }

    /// Remembers what a name names, if it lasts.
    pub(super) fn note(&self, name: &[u8], node: Option<&Arc<Node>>, until: Option<Instant>, epoch: u64) {
        let mut entries = self.0.lock();
        let Some(until) = until else {
            entries.remove(name);
            return;
        };
        if entries.len() >= MOST {
            let now = Instant::now();
            entries.retain(|_, entry| entry.until > now);
            if entries.len() >= MOST {
                entries.clear();
            }
        }
        entries.insert(name.into(), Entry { node: node.map(Arc::downgrade), until, epoch });
    }

    /// Moves what is known of a name to a name of the other directory; if the two are exchanged, back too.
    pub(super) fn rename(&self, name: &[u8], to: &Self, new_name: &[u8], exchanged: bool) {
        let old = self.0.lock().remove(name);
        let replaced = {
            let mut entries = to.0.lock();
            match old {
                Some(old) => entries.insert(new_name.into(), old),
                None => entries.remove(new_name),
            }
        };
        if let Some(replaced) = replaced.filter(|_| exchanged) {
            self.0.lock().insert(name.into(), replaced);
        }
    }

    /// Forgets a name. Returns what it was known to name, even if that was not to be believed any more.
    pub(super) fn forget(&self, name: &[u8]) -> Option<Option<Arc<Node>>> {
        let entry = self.0.lock().remove(name)?;
        Some(entry.node.and_then(|node| node.upgrade()))
    }
}

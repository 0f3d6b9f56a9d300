//! The names in a directory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use abi::Errno;

use crate::node::Node;

/// Positions of `.` and `..` come before those of the entries.
const FIRST: u64 = 2;

/// Names by name, and by the order in which they were made: a listing goes by that order, so that an entry keeps its position
/// while others come and go.
pub(crate) struct Directory {
    entries: HashMap<Arc<[u8]>, Entry>,
    order: BTreeMap<u64, Arc<[u8]>>,
    next: u64,
    /// The inode number of the directory above.
    pub(crate) parent: u64,
    removed: bool,
}

struct Entry {
    node: Arc<Node>,
    position: u64,
}

impl Directory {
    pub(crate) fn new(parent: u64) -> Self {
        Self { entries: HashMap::new(), order: BTreeMap::new(), next: FIRST, parent, removed: false }
    }

    pub(crate) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<&Arc<Node>> {
        self.entries.get(name).map(|entry| &entry.node)
    }

    /// Adds a name.
    ///
    /// # Errors
    /// `EEXIST`, `ENOENT` if the directory itself was removed.
    pub(crate) fn add(&mut self, name: &[u8], node: Arc<Node>) -> Result<(), Errno> {
        if self.removed {
            return Err(Errno::ENOENT);
        }
        if self.entries.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        let name: Arc<[u8]> = Arc::from(name);
        let position = self.next;
        self.next = position.saturating_add(1);
        self.order.insert(position, Arc::clone(&name));
        self.entries.insert(name, Entry { node, position });
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &[u8]) -> Option<Arc<Node>> {
        let entry = self.entries.remove(name)?;
        self.order.remove(&entry.position);
        Some(entry.node)
    }

    /// Puts another node under a name that is there. Returns the old one.
    pub(crate) fn replace(&mut self, name: &[u8], node: Arc<Node>) -> Option<Arc<Node>> {
        self.entries.get_mut(name).map(|entry| std::mem::replace(&mut entry.node, node))
    }

    /// The directory is about to be removed: nothing can be added any more.
    ///
    /// # Errors
    /// `ENOTEMPTY`.
    pub(crate) fn close(&mut self) -> Result<(), Errno> {
        if !self.entries.is_empty() {
            return Err(Errno::ENOTEMPTY);
        }
        self.removed = true;
        Ok(())
    }

    /// The position behind the last entry.
    pub(crate) const fn end(&self) -> u64 {
        self.next
    }

    /// The entries from a position on, in order: position, name, node.
    pub(crate) fn from(&self, position: u64) -> impl Iterator<Item = (u64, &Arc<[u8]>, &Arc<Node>)> {
        self.order
            .range(position.max(FIRST)..)
            .filter_map(|(at, name)| self.entries.get(name).map(|entry| (*at, name, &entry.node)))
    }

    pub(crate) fn take_all(&mut self) -> Vec<Arc<Node>> {
        self.order.clear();
        self.entries.drain().map(|(_, entry)| entry.node).collect()
    }
}

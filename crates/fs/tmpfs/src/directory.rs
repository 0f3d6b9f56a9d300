//! The names in a directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use abi::Errno;
use hashbrown::HashMap;

use crate::node::Node;

/// Positions of `.` and `..` come before those of the entries.
const FIRST: u64 = 2;

/// Names by name, and by the order in which they were made: a listing goes by that order, so that an entry keeps its position
/// while others come and go.
pub(crate) struct Directory {
    positions: HashMap<Arc<[u8]>, u64>,
    order: BTreeMap<u64, Entry>,
    next: u64,
    /// The inode number of the directory above.
    pub(crate) parent: u64,
    removed: bool,
}

struct Entry {
    name: Arc<[u8]>,
    node: Arc<Node>,
}

impl Directory {
    pub(crate) fn new(parent: u64) -> Self {
        Self { positions: HashMap::new(), order: BTreeMap::new(), next: FIRST, parent, removed: false }
    }

    pub(crate) fn len(&self) -> u64 {
        self.order.len() as u64
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<&Arc<Node>> {
        self.order.get(self.positions.get(name)?).map(|entry| &entry.node)
    }

    /// Adds a name.
    ///
    /// # Errors
    /// `EEXIST`, `ENOENT` if the directory itself was removed.
    pub(crate) fn add(&mut self, name: &[u8], node: Arc<Node>) -> Result<(), Errno> {
        if self.removed {
            return Err(Errno::ENOENT);
        }
        if self.positions.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        let name: Arc<[u8]> = Arc::from(name);
        let position = self.next;
        self.next = position.saturating_add(1);
        self.positions.insert(Arc::clone(&name), position);
        self.order.insert(position, Entry { name, node });
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &[u8]) -> Option<Arc<Node>> {
        let position = self.positions.remove(name)?;
        self.order.remove(&position).map(|entry| entry.node)
    }

    /// Puts another node under a name that is there. Returns the old one.
    pub(crate) fn replace(&mut self, name: &[u8], node: Arc<Node>) -> Option<Arc<Node>> {
        let entry = self.order.get_mut(self.positions.get(name)?)?;
        Some(std::mem::replace(&mut entry.node, node))
    }

    /// The directory is about to be removed: nothing can be added any more.
    ///
    /// # Errors
    /// `ENOTEMPTY`.
    pub(crate) fn close(&mut self) -> Result<(), Errno> {
        if !self.order.is_empty() {
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
        self.order.range(position.max(FIRST)..).map(|(at, entry)| (*at, &entry.name, &entry.node))
    }

    pub(crate) fn take_all(&mut self) -> Vec<Arc<Node>> {
        self.positions.clear();
        std::mem::take(&mut self.order).into_values().map(|entry| entry.node).collect()
    }
}

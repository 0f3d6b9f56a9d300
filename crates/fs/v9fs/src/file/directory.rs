//! An open directory.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use ninep::entry::{Entry as WireEntry, all};
use ninep::message::{Tfsync, Treaddir};
use parking_lot::Mutex;
use vfs::{Attributes, DirectoryEntry, DirectorySink, File, FileKind, InodeRef, Name, OpenFlags};

use super::regular::open;
use crate::client::Fid;
use crate::node::{Node, attributes};

/// A directory, open for listing.
pub(crate) struct Directory {
    node: Arc<Node>,
    fid: Fid,
    most: u32,
    batch: Mutex<Batch>,
}

/// Entries that the server sent and that were not all passed on yet.
#[derive(Default)]
struct Batch {
    /// The position of the first.
    start: u64,
    entries: Vec<Entry>,
}

struct Entry {
    inode: u64,
    kind: FileKind,
    name: Box<[u8]>,
    next: u64,
}

impl Entry {
    /// Nothing for one with a name that no file can have.
    fn from_wire(entry: &WireEntry<'_>) -> Option<Self> {
        let name = entry.name.0;
        let dots = name == b"." || name == b"..";
        (dots || Name::new(name).is_ok()).then(|| Self {
            inode: attributes::number(entry.qid.path),
            kind: FileKind::from_directory_type(entry.kind),
            name: Box::from(name),
            next: entry.offset,
        })
    }
}

impl Directory {
    /// Opens it.
    ///
    /// # Errors
    /// The server's.
    pub(crate) fn open(node: &Arc<Node>, flags: OpenFlags) -> Result<Self, Errno> {
        let (fid, liked) = open(node, flags)?;
        let most = node.shared.client.most_data(liked);
        Ok(Self { node: Arc::clone(node), fid, most, batch: Mutex::default() })
    }

    /// Entries from a position on: none at the end.
    fn fetch(&self, position: u64) -> Result<Batch, Errno> {
        let request = Treaddir { fid: self.fid.number(), offset: position, count: self.most };
        let entries = self.node.shared.client.call(&request, |reply| {
            let entries = all::<WireEntry<'_>>(reply.data.0).map_err(|_| Errno::EIO)?;
            Ok::<_, Errno>(entries.iter().filter_map(Entry::from_wire).collect())
        })??;
        Ok(Batch { start: position, entries })
    }
}

impl File for Directory {
    fn read_directory(&self, mut position: u64, into: &mut dyn DirectorySink) -> Result<(), Errno> {
        // Taken, not held: whoever asks the server holds no lock. Two who list at once each ask for themselves.
        let mut batch = std::mem::take(&mut *self.batch.lock());
        // From the beginning means anew, as rewinddir(3) promises.
        let mut at = if position == 0 { None } else { batch.find(position) };
        loop {
            let first = match at.take() {
                Some(first) => first,
                None => {
                    batch = self.fetch(position)?;
                    0
                }
            };
            if batch.entries.is_empty() {
                return Ok(());
            }
            for entry in batch.entries.get(first..).unwrap_or_default() {
                let Entry { inode, kind, ref name, next } = *entry;
                if !into.put(&DirectoryEntry { inode, kind, name, next }) {
                    *self.batch.lock() = batch;
                    return Ok(());
                }
                position = next;
            }
        }
    }

    fn sync(&self, data_only: bool) -> Result<(), Errno> {
        let request = Tfsync { fid: self.fid.number(), datasync: u32::from(data_only) };
        self.node.shared.client.call(&request, |_| ())
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        self.node.refreshed()
    }

    fn inode(&self) -> Option<InodeRef> {
        Some(Arc::clone(&self.node) as InodeRef)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Batch {
    /// Which entry has this position, if it is among these.
    fn find(&self, position: u64) -> Option<usize> {
        if position == self.start && !self.entries.is_empty() {
            return Some(0);
        }
        let before = self.entries.iter().position(|entry| entry.next == position)?;
        (before.saturating_add(1) < self.entries.len()).then_some(before.saturating_add(1))
    }
}

//! An open directory.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use ninep::entry::{EntryAttr, all};
use ninep::message::{Tfsync, Treaddirattr};
use parking_lot::Mutex;
use vfs::{Attributes, DirectoryEntry, DirectorySink, File, FileKind, Inode, InodeRef};

use crate::attributes::from_wire;
use crate::filesystem::Caching;
use crate::inode::Node;

/// Bytes of entries asked for at once: some 300 entries.
const BATCH_BYTES: u32 = 64 << 10;

/// A directory, open for listing.
pub(crate) struct Directory {
    node: Arc<Node>,
    batch: Mutex<Batch>,
}

/// Entries that the server sent and that were not all passed on yet.
#[derive(Default)]
struct Batch {
    /// The position of the first.
    start: u64,
    entries: Vec<Entry>,
    /// Whether the directory ends behind the last.
    end: bool,
}

struct Entry {
    inode: u64,
    kind: FileKind,
    name: Box<[u8]>,
    next: u64,
    attributes: Option<Attributes>,
}

impl Directory {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self { node, batch: Mutex::default() }
    }

    fn fetch(&self, position: u64) -> Result<Batch, Errno> {
        let fid = self.node.fid()?;
        let epoch = self.node.listing.lock().epoch();
        let request = Treaddirattr { fid: fid.number(), offset: position, count: BATCH_BYTES };
        let (end, entries) = self.node.shared.client.call(&request, |reply| {
            let entries = all::<EntryAttr<'_>>(reply.data.0).map_err(|_| Errno::EIO)?;
            Ok::<_, Errno>((reply.end != 0, entries.iter().map(Entry::from_wire).collect::<Vec<_>>()))
        })??;
        self.node.was_read();
        if self.node.shared.caching == Caching::Exclusive {
            self.describe(epoch, &entries);
        }
        Ok(Batch { start: position, end: end || entries.is_empty(), entries })
    }

    /// Keeps what the entries are, for the looks at them that often follow.
    fn describe(&self, epoch: u64, entries: &[Entry]) {
        let shared = &self.node.shared;
        let described = entries.iter().filter_map(|e| e.attributes.map(|a| (e.name.clone(), a)));
        let unknown: Vec<_> = described.filter(|(_, a)| shared.known(a.inode).is_none()).collect();
        if self.node.listing.lock().describe(epoch, unknown.into_iter()) {
            shared.recent.keep(&self.node);
        }
    }
}

impl Entry {
    fn from_wire(entry: &EntryAttr<'_>) -> Self {
        let attributes = (entry.attr.valid != 0).then(|| from_wire(&entry.attr).ok()).flatten();
        Self {
            inode: entry.attr.qid.path,
            kind: attributes.map_or_else(|| FileKind::from_directory_type(entry.kind), |a| a.kind),
            name: entry.name.0.into(),
            next: entry.offset,
            attributes,
        }
    }
}

impl File for Directory {
    fn read_directory(&self, mut position: u64, into: &mut dyn DirectorySink) -> Result<(), Errno> {
        let mut batch = self.batch.lock();
        // From the beginning means anew, as rewinddir(3) promises.
        let mut at = if position == 0 { None } else { batch.find(position) };
        loop {
            let first = match at.take() {
                Some(first) => first,
                None => {
                    *batch = self.fetch(position)?;
                    0
                }
            };
            for entry in batch.entries.get(first..).unwrap_or_default() {
                let Entry { inode, kind, ref name, next, .. } = *entry;
                if !into.put(&DirectoryEntry { inode, kind, name, next }) {
                    return Ok(());
                }
                position = next;
            }
            if batch.end {
                return Ok(());
            }
        }
    }

    fn sync(&self, data_only: bool) -> Result<(), Errno> {
        let fid = self.node.fid()?;
        let request = Tfsync { fid: fid.number(), datasync: u32::from(data_only) };
        self.node.shared.client.call(&request, |_| ())
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        self.node.attributes()
    }

    fn inode(&self) -> Option<InodeRef> {
        Some(Arc::clone(&self.node) as InodeRef)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Batch {
    /// Which entry has this position, if the batch covers it.
    fn find(&self, position: u64) -> Option<usize> {
        if self.entries.is_empty() {
            return None;
        }
        if position == self.start {
            return Some(0);
        }
        let before = self.entries.iter().position(|entry| entry.next == position)?;
        (before + 1 < self.entries.len() || self.end).then_some(before + 1)
    }
}

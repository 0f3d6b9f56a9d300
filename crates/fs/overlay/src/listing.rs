//! The names of a merged directory.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use vfs::{CapabilitySet, Credentials, DirectoryEntry, DirectorySink, FileKind, InodeRef, Name, OpenFlags};

use crate::marks::{is_whiteout, lower_number};
use crate::node::{Lower, Node};

/// One name.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: FileKind,
    pub(crate) inode: u64,
}

/// The names of a directory at one moment, without `.` and `..`.
pub(crate) struct Listing {
    pub(crate) entries: Vec<Entry>,
    version: u64,
}

/// The names of a directory of one layer.
pub(crate) fn entries(directory: &InodeRef) -> Result<Vec<Entry>, Errno> {
    let kernel = Credentials::root(CapabilitySet::FULL);
    let file = Arc::clone(directory).open(OpenFlags::DIRECTORY, &kernel)?;
    let mut collected = Collector { entries: Vec::new(), position: 0 };
    loop {
        let before = collected.position;
        file.read_directory(before, &mut collected)?;
        if collected.position == before {
            return Ok(collected.entries);
        }
    }
}

struct Collector {
    entries: Vec<Entry>,
    position: u64,
}

impl DirectorySink for Collector {
    fn put(&mut self, entry: &DirectoryEntry<'_>) -> bool {
        self.position = entry.next;
        if entry.name != b"." && entry.name != b".." {
            self.entries.push(Entry { name: entry.name.to_vec(), kind: entry.kind, inode: entry.inode });
        }
        true
    }
}

impl Node {
    /// Its names now. Whoever lists it at the same time shares them.
    pub(crate) fn list(&self) -> Result<Arc<Listing>, Errno> {
        let version = self.version.load(Ordering::Acquire);
        let mut cached = self.listing.lock();
        if let Some(listing) = cached.upgrade().filter(|listing| listing.version == version) {
            return Ok(listing);
        }
        let listing = Arc::new(Listing { entries: self.merge()?, version });
        *cached = Arc::downgrade(&listing);
        Ok(listing)
    }

    /// Whether nothing but whiteouts is in it.
    pub(crate) fn is_empty(&self) -> Result<bool, Errno> {
        Ok(self.list()?.entries.is_empty())
    }

    fn merge(&self) -> Result<Vec<Entry>, Errno> {
        let layers = self.layers();
        let mut seen: HashSet<Vec<u8>> = HashSet::new();
        let mut merged = Vec::new();
        if let Some(upper) = &layers.upper {
            for mut entry in entries(upper)? {
                // What was removed between the listing and now is not there.
                let Ok(inode) = upper.lookup(Name::new(&entry.name)?) else { continue };
                seen.insert(entry.name.clone());
                if !is_whiteout(&inode)? {
                    entry.inode = self.shared.marks.upper_number(&inode)?;
                    merged.push(entry);
                }
            }
        }
        let several = layers.lowers.len() > 1;
        for Lower { layer, inode: lower } in layers.lowers.iter() {
            for mut entry in entries(lower)? {
                if !seen.insert(entry.name.clone()) {
                    continue;
                }
                let suspect = several && entry.kind == FileKind::CharacterDevice;
                if suspect && is_whiteout(&lower.lookup(Name::new(&entry.name)?)?)? {
                    continue;
                }
                entry.inode = lower_number(*layer, entry.inode);
                merged.push(entry);
            }
        }
        Ok(merged)
    }

    /// The directory's names changed.
    pub(crate) fn touched(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }
}

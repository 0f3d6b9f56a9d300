//! An open directory.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{DirectoryEntry, DirectorySink, File, FileKind};

use crate::listing::Listing;
use crate::node::Node;

/// Positions of `.` and `..` come before those of the entries.
const FIRST: u64 = 2;

/// A listing, which shows the names as they were when it began.
pub(crate) struct DirectoryFile {
    node: Arc<Node>,
    listing: Mutex<Option<Arc<Listing>>>,
}

impl DirectoryFile {
    pub(crate) const fn new(node: Arc<Node>) -> Self {
        Self { node, listing: Mutex::new(None) }
    }

    fn listing(&self, anew: bool) -> Result<Arc<Listing>, Errno> {
        let mut own = self.listing.lock();
        if let Some(listing) = own.as_ref().filter(|_| !anew) {
            return Ok(Arc::clone(listing));
        }
        let listing = self.node.list()?;
        *own = Some(Arc::clone(&listing));
        Ok(listing)
    }
}

impl File for DirectoryFile {
    fn read_directory(&self, position: u64, into: &mut dyn DirectorySink) -> Result<(), Errno> {
        let listing = self.listing(position == 0)?;
        let above = self.node.place().map_or(self.node.number, |place| place.parent.number);
        for (at, name, inode) in [(0, &b"."[..], self.node.number), (1, &b".."[..], above)] {
            let entry = DirectoryEntry { inode, kind: FileKind::Directory, name, next: at + 1 };
            if at >= position && !into.put(&entry) {
                return Ok(());
            }
        }
        let skip = usize::try_from(position.saturating_sub(FIRST)).unwrap_or(usize::MAX);
        for (entry, next) in listing.entries.iter().zip(FIRST.saturating_add(1)..).skip(skip) {
            let entry = DirectoryEntry { inode: entry.inode, kind: entry.kind, name: &entry.name, next };
            if !into.put(&entry) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn sync(&self, _data_only: bool) -> Result<(), Errno> {
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

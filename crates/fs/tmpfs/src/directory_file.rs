//! An open directory.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use vfs::{DirectoryEntry, DirectorySink, File, FileKind, InodeRef};

use crate::node::Node;

/// A listing of a directory. Entries made after it began are not part of it: a program that renames what it finds would
/// never come to an end.
pub(crate) struct DirectoryFile {
    node: Arc<Node>,
    /// The position behind the last entry of this listing.
    end: AtomicU64,
}

impl DirectoryFile {
    pub(crate) const fn new(node: Arc<Node>) -> Self {
        Self { node, end: AtomicU64::new(0) }
    }
}

impl File for DirectoryFile {
    fn read_directory(&self, position: u64, into: &mut dyn DirectorySink) -> Result<(), Errno> {
        let directory = self.node.directory()?.lock();
        if position == 0 {
            self.end.store(directory.end(), Ordering::Relaxed);
        }
        let end = self.end.load(Ordering::Relaxed);
        for (at, name, inode) in [(0, &b"."[..], self.node.number), (1, &b".."[..], directory.parent)] {
            let entry = DirectoryEntry { inode, kind: FileKind::Directory, name, next: at + 1 };
            if at >= position && !into.put(&entry) {
                return Ok(());
            }
        }
        for (at, name, node) in directory.from(position).take_while(|(at, ..)| *at < end) {
            let next = at.saturating_add(1);
            let entry = DirectoryEntry { inode: node.number, kind: node.kind, name, next };
            if !into.put(&entry) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn sync(&self, _data_only: bool) -> Result<(), Errno> {
        Ok(())
    }

    fn inode(&self) -> Option<InodeRef> {
        Some(Arc::clone(&self.node) as InodeRef)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

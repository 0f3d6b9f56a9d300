//! An open generated directory.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{DirectoryEntry, DirectorySink, File, FileKind};

use crate::Directory;

/// One name of a directory, with its inode number and type.
type Listed = (Vec<u8>, u64, FileKind);

/// A listing is taken when reading starts at the beginning and kept until it starts again.
pub(crate) struct OpenDirectory {
    inode: u64,
    directory: Arc<dyn Directory>,
    listing: Mutex<Option<Arc<Vec<Listed>>>>,
}

impl OpenDirectory {
    pub(crate) fn new(inode: u64, directory: Arc<dyn Directory>) -> Self {
        Self { inode, directory, listing: Mutex::new(None) }
    }

    fn listing(&self, position: u64) -> Arc<Vec<Listed>> {
        let mut listing = self.listing.lock();
        match listing.as_ref() {
            Some(listing) if position > 0 => Arc::clone(listing),
            _ => {
                let new = Arc::new(self.directory.list());
                *listing = Some(Arc::clone(&new));
                new
            }
        }
    }
}

impl File for OpenDirectory {
    fn read_directory(&self, position: u64, into: &mut dyn DirectorySink) -> Result<(), Errno> {
        let listing = self.listing(position);
        let dots =
            [(&b"."[..], self.inode, FileKind::Directory), (&b".."[..], self.inode, FileKind::Directory)];
        let named = listing.iter().map(|(name, inode, kind)| (name.as_slice(), *inode, *kind));
        let skip = usize::try_from(position).unwrap_or(usize::MAX);
        for (index, (name, inode, kind)) in dots.into_iter().chain(named).enumerate().skip(skip) {
            let next = (index as u64).saturating_add(1);
            if !into.put(&DirectoryEntry { inode, kind, name, next }) {
                break;
            }
        }
        Ok(())
    }

    fn process_id(&self) -> Option<i32> {
        self.directory.process_id()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

//! The open directory of a group.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{DirectoryEntry, DirectorySink, File, FileKind};

use crate::inode::number;
use crate::rows::{Subject, index};

/// One name with its inode number and type.
type Listed = (Vec<u8>, u64, FileKind);

/// A listing is taken when reading starts at the beginning, and kept until it starts again.
pub(crate) struct OpenDirectory {
    subject: Subject,
    listing: Mutex<Arc<Vec<Listed>>>,
}

impl OpenDirectory {
    pub(crate) fn new(subject: Subject) -> Self {
        Self { subject, listing: Mutex::default() }
    }

    fn take(&self) -> Result<Vec<Listed>, Errno> {
        let own = number(self.subject.group, None);
        let dots = [b".".to_vec(), b"..".to_vec()].map(|name| (name, own, FileKind::Directory));
        let files = self.subject.rows().map(|row| {
            (row.name.as_bytes().to_vec(), number(self.subject.group, index(row)), FileKind::Regular)
        });
        let mut listed: Vec<Listed> = dots.into_iter().chain(files).collect();
        self.subject.kernel.control_groups.with(|tree| {
            let children = &tree.living(self.subject.group).map_err(|_| Errno::ENOENT)?.children;
            let directory =
                |(name, id): (&Vec<u8>, &_)| (name.clone(), number(*id, None), FileKind::Directory);
            listed.extend(children.iter().map(directory));
            Ok(listed)
        })
    }
}

impl File for OpenDirectory {
    fn read_directory(&self, position: u64, into: &mut dyn DirectorySink) -> Result<(), Errno> {
        if position == 0 {
            *self.listing.lock() = Arc::new(self.take()?);
        }
        let listing = Arc::clone(&self.listing.lock());
        let skip = usize::try_from(position).unwrap_or(usize::MAX);
        for (index, (name, inode, kind)) in listing.iter().enumerate().skip(skip) {
            let next = (index as u64).saturating_add(1);
            if !into.put(&DirectoryEntry { inode: *inode, kind: *kind, name, next }) {
                break;
            }
        }
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

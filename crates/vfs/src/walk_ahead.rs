//! Looking up several components of a path at once.

use std::collections::VecDeque;
use std::sync::Arc;

use abi::Errno;

use crate::dentry::{Dentry, Known};
use crate::path::Path;
use crate::{InodeRef, Name};

/// Components resolved by one call of [`crate::Inode::lookup_many`].
const AHEAD_MAX: usize = 16;

/// Results of lookups that the walk has not come to yet.
#[derive(Default)]
pub(crate) struct Ahead {
    results: VecDeque<(Vec<u8>, Result<InodeRef, Errno>)>,
    /// The directory that the next result belongs to.
    directory: Option<Arc<Dentry>>,
    /// The superblock's count of changes before the lookup.
    since: u64,
}

impl Ahead {
    /// The walk leaves the line: what was looked up ahead is of no use.
    pub(crate) fn clear(&mut self) {
        self.results.clear();
        self.directory = None;
    }

    /// The dentry of a name. `rest` is the text behind it, whose components are looked up with it where that saves trips.
    pub(crate) fn child(
        &mut self,
        directory: &Path,
        name: Name<'_>,
        rest: &[u8],
        cached_only: bool,
    ) -> Result<Option<Arc<Dentry>>, Errno> {
        let superblock = directory.mount.superblock();
        match superblock.known(&directory.dentry, name.as_bytes()) {
            Known::Present(dentry) => {
                self.pass(directory, name, &dentry);
                return Ok(Some(dentry));
            }
            Known::Missing => return Ok(None),
            Known::Unknown if cached_only => return Err(Errno::EAGAIN),
            Known::Unknown => {}
        }
        let result = match self.take(directory, name) {
            Some(result) => result,
            None => self.look(directory, name, rest)?,
        };
        match result {
            Ok(inode) => match superblock.learn(&directory.dentry, name, &inode, self.since) {
                Some(dentry) => {
                    self.advance(&dentry);
                    Ok(Some(dentry))
                }
                None => self.exact(directory, name),
            },
            Err(Errno::ENOENT) => {
                superblock.learn_missing(&directory.dentry, name, self.since);
                self.clear();
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Names changed while the lookup was under way: once more, with the directory locked.
    fn exact(&mut self, directory: &Path, name: Name<'_>) -> Result<Option<Arc<Dentry>>, Errno> {
        self.clear();
        let _changes = directory.dentry.changes.lock();
        directory.mount.superblock().find_locked(&directory.dentry, name)
    }

    /// The result for a name, if it was looked up already.
    fn take(&mut self, directory: &Path, name: Name<'_>) -> Option<Result<InodeRef, Errno>> {
        let here = self.directory.as_ref().is_some_and(|d| Arc::ptr_eq(d, &directory.dentry));
        if here && self.results.front().is_some_and(|(n, _)| n == name.as_bytes()) {
            return self.results.pop_front().map(|(_, result)| result);
        }
        self.clear();
        None
    }

    /// Asks the filesystem for a name and as many components behind it as are plain.
    fn look(
        &mut self,
        directory: &Path,
        name: Name<'_>,
        rest: &[u8],
    ) -> Result<Result<InodeRef, Errno>, Errno> {
        let mut names = vec![name];
        let parts = rest.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".");
        names.extend(parts.map_while(|part| Name::new(part).ok()).take(AHEAD_MAX.saturating_sub(1)));
        self.since = directory.mount.superblock().changes();
        let found = directory.dentry.inode_ref().lookup_many(&names);
        self.results = names.iter().map(|n| n.as_bytes().to_vec()).zip(found).collect();
        self.directory = Some(Arc::clone(&directory.dentry));
        self.results.pop_front().map(|(_, result)| result).ok_or(Errno::EIO)
    }

    /// A cached dentry was passed: the results go on behind it.
    fn pass(&mut self, directory: &Path, name: Name<'_>, dentry: &Arc<Dentry>) {
        if self.directory.is_some() && self.take(directory, name).is_some() {
            self.advance(dentry);
        }
    }

    /// The next result belongs to this dentry.
    fn advance(&mut self, dentry: &Arc<Dentry>) {
        if self.results.is_empty() {
            self.clear();
        } else {
            self.directory = Some(Arc::clone(dentry));
        }
    }
}

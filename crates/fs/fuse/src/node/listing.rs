//! The entries of a directory, for servers that let them be remembered (`FOPEN_CACHE_DIR`).

use parking_lot::Mutex;
use vfs::{DirectoryEntry, DirectorySink, FileKind, Timestamp};

/// Bytes of one directory that are remembered.
const MOST: usize = 4 << 20;
/// What an entry takes besides its name.
const EACH: usize = 48;

/// What is remembered.
#[derive(Default)]
pub(crate) struct Listing(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    entries: Vec<Entry>,
    /// Bytes that they take.
    taken: usize,
    /// Whether the last entry is among them.
    complete: bool,
    /// When the directory was last changed, by what was known when its listing began.
    modified: Timestamp,
    /// Tells one listing from the next.
    version: u64,
}

struct Entry {
    inode: u64,
    kind: FileKind,
    name: Box<[u8]>,
    next: u64,
}

impl Listing {
    /// Nothing is remembered any more.
    pub(crate) fn forget(&self) {
        let mut inner = self.0.lock();
        let version = inner.version.wrapping_add(1);
        *inner = Inner { version, ..Inner::default() };
    }

    /// Somebody begins to list. What is remembered of an older state of the directory is forgotten. Returns what is to be handed to
    /// [`Self::add`].
    pub(crate) fn begin(&self, modified: Timestamp) -> u64 {
        let mut inner = self.0.lock();
        if inner.modified != modified {
            let version = inner.version.wrapping_add(1);
            *inner = Inner { version, modified, ..Inner::default() };
        }
        inner.version
    }

    /// Gives the entries from a position on, if all are remembered and the position is that of one.
    pub(crate) fn show(&self, position: u64, into: &mut dyn DirectorySink) -> bool {
        let inner = self.0.lock();
        if !inner.complete {
            return false;
        }
        let first = match position {
            0 => 0,
            _ => match inner.entries.iter().position(|entry| entry.next == position) {
                Some(at) => at.saturating_add(1),
                None => return false,
            },
        };
        for entry in inner.entries.get(first..).unwrap_or_default() {
            let Entry { inode, kind, name, next } = entry;
            if !into.put(&DirectoryEntry { inode: *inode, kind: *kind, name, next: *next }) {
                break;
            }
        }
        true
    }

    /// Remembers an entry that the server gave behind a position, if those before it are remembered.
    pub(crate) fn add(&self, version: u64, behind: u64, entry: &DirectoryEntry<'_>) {
        let mut inner = self.0.lock();
        let follows = inner.entries.last().map_or(0, |last| last.next) == behind;
        let taken = inner.taken.saturating_add(EACH).saturating_add(entry.name.len());
        if inner.version != version || inner.complete || !follows || taken > MOST {
            return;
        }
        inner.taken = taken;
        let (inode, kind, next) = (entry.inode, entry.kind, entry.next);
        inner.entries.push(Entry { inode, kind, name: entry.name.into(), next });
    }

    /// Behind a position there is nothing more.
    pub(crate) fn end(&self, version: u64, behind: u64) {
        let mut inner = self.0.lock();
        if inner.version == version && inner.entries.last().map_or(0, |last| last.next) == behind {
            inner.complete = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Names(Vec<Vec<u8>>, usize);

    impl DirectorySink for Names {
        fn put(&mut self, entry: &DirectoryEntry<'_>) -> bool {
            let room = self.0.len() < self.1;
            if room {
                self.0.push(entry.name.to_vec());
            }
            room
        }
    }

    fn entry(name: &[u8], next: u64) -> DirectoryEntry<'_> {
        DirectoryEntry { inode: 1, kind: FileKind::Regular, name, next }
    }

    #[test]
    fn only_a_whole_listing_is_shown() {
        let listing = Listing::default();
        let version = listing.begin(Timestamp::default());
        listing.add(version, 0, &entry(b"a", 7));
        listing.add(version, 9, &entry(b"lost", 10));
        let mut names = Names(Vec::new(), 9);
        assert!(!listing.show(0, &mut names));
        listing.add(version, 7, &entry(b"b", 3));
        listing.end(version, 3);
        assert!(listing.show(0, &mut names));
        assert!(listing.show(7, &mut names));
        assert!(!listing.show(8, &mut names));
        assert_eq!(names.0, [b"a", b"b", b"b"]);
        assert_eq!(listing.begin(Timestamp::default()), version);
        assert_ne!(listing.begin(Timestamp { seconds: 1, nanoseconds: 0 }), version);
        assert!(!listing.show(0, &mut names));
    }

    #[test]
    fn what_is_outdated_is_not_added_to() {
        let listing = Listing::default();
        let version = listing.begin(Timestamp::default());
        listing.forget();
        listing.add(version, 0, &entry(b"a", 1));
        listing.end(version, 0);
        assert!(!listing.show(0, &mut Names(Vec::new(), 9)));
    }
}

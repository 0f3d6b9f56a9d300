//! File handles: name_to_handle_at(2).
//!
//! A filesystem that gives handles keeps the files that they were given for within reach, as many as it keeps names without users.
//! A handle that is older is stale, as are those of files that are gone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use abi::Errno;

use crate::Dentry;

/// `FILEID_INO64_GEN`: a number of 64 bits, and a generation.
pub const INO64_GEN: i32 = 0x81;

/// Bytes of a handle that is given here: inode number and generation, 64 bits each.
const SIZE: usize = 16;

/// A handle, as name_to_handle_at(2) gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHandle {
    /// Which kind of handle it is among those of its filesystem.
    pub kind: i32,
    /// The rest.
    pub bytes: Vec<u8>,
}

/// What handles were given for.
#[derive(Default)]
pub(crate) struct Handles {
    known: HashMap<u64, Entry>,
    /// Numbers and generations in the order of their age.
    order: VecDeque<(u64, u64)>,
    generation: u64,
}

struct Entry {
    generation: u64,
    file: Reference,
}

enum Reference {
    Kept(Arc<Dentry>),
    /// It has no name any more: it is there as long as somebody has it open.
    Unlinked(Weak<Dentry>),
}

impl Entry {
    fn file(&self) -> Option<Arc<Dentry>> {
        match &self.file {
            Reference::Kept(dentry) => Some(Arc::clone(dentry)),
            Reference::Unlinked(dentry) => dentry.upgrade(),
        }
    }
}

impl Handles {
    /// The handle of a file with an inode number. At most `limit` are known at a time. What was forgotten for it is returned, to be
    /// dropped without a lock.
    pub(crate) fn give(
        &mut self,
        number: u64,
        dentry: &Arc<Dentry>,
        limit: usize,
    ) -> (FileHandle, Vec<Arc<Dentry>>) {
        let same = |entry: &&Entry| {
            entry.file().is_some_and(|known| {
                Arc::ptr_eq(&known, dentry) || Arc::ptr_eq(known.inode_ref(), dentry.inode_ref())
            })
        };
        if let Some(entry) = self.known.get(&number).filter(same) {
            return (encode(number, entry.generation), Vec::new());
        }
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let entry = Entry { generation, file: Reference::Kept(Arc::clone(dentry)) };
        let mut forgotten: Vec<_> =
            self.known.insert(number, entry).and_then(|old| old.file()).into_iter().collect();
        self.order.push_back((number, generation));
        while self.order.len() > limit.max(1) {
            let Some((oldest, generation)) = self.order.pop_front() else { break };
            if self.known.get(&oldest).is_some_and(|entry| entry.generation == generation) {
                forgotten.extend(self.known.remove(&oldest).and_then(|entry| entry.file()));
            }
        }
        (encode(number, generation), forgotten)
    }

    /// The file of a handle.
    ///
    /// # Errors
    /// `ESTALE`.
    pub(crate) fn find(&self, handle: &FileHandle) -> Result<Arc<Dentry>, Errno> {
        let bytes: [u8; SIZE] = handle.bytes.as_slice().try_into().map_err(|_| Errno::ESTALE)?;
        let value = u128::from_le_bytes(bytes);
        let number = u64::try_from(value & u128::from(u64::MAX)).map_err(|_| Errno::ESTALE)?;
        let generation = u64::try_from(value >> 64).map_err(|_| Errno::ESTALE)?;
        let entry =
            self.known.get(&number).filter(|e| handle.kind == INO64_GEN && e.generation == generation);
        entry.and_then(Entry::file).ok_or(Errno::ESTALE)
    }

    /// A name was removed. If it was the file's last it is kept no longer; what to drop without a lock is returned.
    pub(crate) fn unlinked(&mut self, dentry: &Arc<Dentry>) -> Option<Arc<Dentry>> {
        if self.known.is_empty() {
            return None;
        }
        let attributes = dentry.inode_ref().attributes().ok()?;
        let entry = self.known.get_mut(&attributes.inode)?;
        let Reference::Kept(kept) = &entry.file else { return None };
        let last = attributes.links == 0 || attributes.kind == crate::FileKind::Directory;
        if !last || !Arc::ptr_eq(kept.inode_ref(), dentry.inode_ref()) {
            return None;
        }
        let weak = Arc::downgrade(kept);
        match std::mem::replace(&mut entry.file, Reference::Unlinked(weak)) {
            Reference::Kept(kept) => Some(kept),
            Reference::Unlinked(_) => None,
        }
    }
}

fn encode(number: u64, generation: u64) -> FileHandle {
    let bytes = (u128::from(generation) << 64 | u128::from(number)).to_le_bytes();
    FileHandle { kind: INO64_GEN, bytes: bytes.to_vec() }
}

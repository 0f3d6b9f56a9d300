//! The cached content of a file: which pages there are, which of them the server has not got, and which are on their way.

mod pending;
mod storage;
mod sums;

use std::collections::{BTreeMap, BTreeSet};

use abi::Errno;
use host::memory_file::MemoryFile;
use parking_lot::Mutex;

use super::{PAGE, PAGE_BYTES};
pub(super) use pending::Due;
use storage::{Storage, pieces, split};
use sums::Sums;

/// What is cached of a file.
#[derive(Default)]
pub(crate) struct Content(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    storage: Storage,
    /// Pages that were written here and that the server has not got.
    dirty: BTreeSet<u64>,
    /// Pages that the server is being sent.
    flying: BTreeSet<u64>,
    /// Ranges that the server was asked for ahead of time: first page, and the one behind the last.
    coming: BTreeMap<u64, u64>,
    /// What sending has failed with since somebody was told last.
    failed: Option<Errno>,
    /// Counts what made cached pages void: what was asked for before must not be cached after.
    voided: u64,
}

impl Inner {
    /// Lets go what the server has too.
    fn remove(&mut self, first: u64, end: u64) {
        self.voided = self.voided.wrapping_add(1);
        let (dirty, flying) = (&self.dirty, &self.flying);
        self.storage.remove(first, end, |page| dirty.contains(&page) || flying.contains(&page));
    }
}

impl Content {
    /// How often cached pages were made void: to be taken before asking, and handed to [`Self::fill`].
    pub(super) fn voided(&self) -> u64 {
        self.0.lock().voided
    }

    /// Copies what is cached from an offset on, up to the first page that is not. Returns how much.
    pub(crate) fn copy(&self, offset: u64, into: &mut [u8]) -> usize {
        let inner = self.0.lock();
        let mut done: usize = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(done as u64);
            let (_, within) = split(at);
            let length = rest.len().min(PAGE_BYTES.saturating_sub(within));
            let Some(piece) = rest.get_mut(..length) else { break };
            if !inner.storage.get(at, piece) {
                break;
            }
            done = done.saturating_add(length);
        }
        done
    }

    /// The first of some pages that is not cached, and how many of those behind it are not either.
    pub(super) fn missing(&self, first: u64, end: u64, most: u64) -> Option<(u64, u64)> {
        let inner = self.0.lock();
        let first = (first..end).find(|page| !inner.storage.has(*page))?;
        let limit = first.saturating_add(most).min(end);
        let end = (first..limit).find(|page| inner.storage.has(*page)).unwrap_or(limit);
        Some((first, end.saturating_sub(first)))
    }

    /// Takes over what the server sent for whole pages from an offset on, with zeros behind it up to the end of a page. Pages that are there
    /// stay as they are, and nothing is taken if anything was made void since.
    pub(super) fn fill(&self, offset: u64, data: &[u8], since: u64) {
        let mut inner = self.0.lock();
        if inner.voided != since {
            return;
        }
        for (index, piece) in data.chunks(PAGE_BYTES).enumerate() {
            let at = offset.saturating_add((index as u64).saturating_mul(PAGE));
            if !inner.storage.has(at / PAGE) {
                inner.storage.put(at, piece, true);
            }
        }
    }

    /// Takes over what the server has too, because it was written there or was told unasked: into pages that are there, and whole pages.
    pub(crate) fn overlay(&self, offset: u64, data: &[u8]) {
        let mut inner = self.0.lock();
        for (at, piece) in pieces(offset, data) {
            if inner.storage.has(at / PAGE) || piece.len() == PAGE_BYTES {
                inner.storage.put(at, piece, true);
            }
        }
    }

    /// Forgets all that the server has too.
    pub(crate) fn forget_all(&self) {
        self.forget(0, u64::MAX);
    }

    /// Forgets the pages of a range that the server has too.
    pub(crate) fn forget(&self, start: u64, end: u64) {
        self.0.lock().remove(start / PAGE, end.div_ceil(PAGE));
    }

    /// The file ends here now.
    pub(crate) fn cut(&self, size: u64) {
        let mut inner = self.0.lock();
        let (page, within) = split(size);
        inner.clean_from(size.div_ceil(PAGE));
        inner.remove(size.div_ceil(PAGE), u64::MAX);
        let heap = matches!(inner.storage, Storage::Heap(_));
        if heap && within > 0 && inner.storage.has(page) {
            let zeros = vec![0; PAGE_BYTES.saturating_sub(within)];
            inner.storage.put(size, &zeros, true);
        }
        if let Storage::Mapped(mapped) = &inner.storage {
            // Nothing better can be done if the host refuses: the pages behind are not shown by reads.
            let _ = mapped.file.set_size(size);
        }
    }

    /// From now on guests can change pages unseen.
    pub(super) fn watch(&self) {
        if let Storage::Mapped(mapped) = &mut self.0.lock().storage
            && mapped.sums.is_none()
        {
            mapped.sums = Some(Sums::default());
            let present: Vec<u64> = mapped.present.iter().copied().collect();
            present.into_iter().for_each(|page| mapped.note(page));
        }
    }

    /// Whether so much is cached that clean pages have to go.
    pub(super) fn is_crowded() -> bool {
        storage::is_crowded()
    }

    /// The host file of a file of this size, for guests to map. What is cached moves there.
    ///
    /// # Errors
    /// The host's, without memory or descriptors.
    pub(super) fn mapped<R>(
        &self,
        size: u64,
        take: impl FnOnce(&MemoryFile) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        let mut inner = self.0.lock();
        inner.storage.move_to_file(size)?;
        match &inner.storage {
            Storage::Mapped(mapped) => {
                if mapped.file.size()? < size {
                    mapped.file.set_size(size)?;
                }
                take(&mapped.file)
            }
            Storage::Heap(_) => Err(Errno::EIO),
        }
    }
}

//! The cached content of a file: pages of it, in the sentry's memory until somebody maps the file, then in a host file that guests map.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use abi::Errno;
use host::memory_file::MemoryFile;
use parking_lot::{Mutex, MutexGuard};

use super::written::Sums;
use super::{PAGE, PAGE_BYTES};

/// Pages of all files together, beyond which clean ones are let go.
const PAGES_MOST: usize = 32_768;
/// Bytes of changed pages that are written at once: every server takes so much.
const TOGETHER: usize = PAGE_BYTES;
/// Pages that are cached of all files together.
static PAGES: AtomicUsize = AtomicUsize::new(0);

/// What is cached of a file.
#[derive(Default)]
pub(crate) struct Content(Mutex<Inner>);

#[derive(Default)]
pub(super) struct Inner {
    storage: Storage,
    /// Counts what made cached pages void: what was asked for before must not be cached after.
    voided: u64,
}

enum Storage {
    Heap(BTreeMap<u64, Box<[u8]>>),
    /// As guests map it.
    Mapped(Mapped),
}

struct Mapped {
    file: MemoryFile,
    /// The pages of it that hold content.
    present: BTreeSet<u64>,
    /// As the server has them, once guests can change them unseen.
    sums: Option<Sums>,
}

impl Default for Storage {
    fn default() -> Self {
        Self::Heap(BTreeMap::new())
    }
}

/// The page of an offset, and the place in it.
pub(super) fn split(offset: u64) -> (u64, usize) {
    (offset / PAGE, usize::try_from(offset % PAGE).unwrap_or(0))
}

impl Inner {
    pub(super) fn has(&self, page: u64) -> bool {
        match &self.storage {
            Storage::Heap(pages) => pages.contains_key(&page),
            Storage::Mapped(mapped) => mapped.present.contains(&page),
        }
    }

    /// Copies bytes of one page out. False if it is not there.
    fn get(&self, offset: u64, into: &mut [u8]) -> bool {
        let (page, within) = split(offset);
        match &self.storage {
            Storage::Heap(pages) => {
                let found = pages.get(&page).and_then(|page| page.get(within..)?.get(..into.len()));
                found.is_some_and(|bytes| {
                    into.copy_from_slice(bytes);
                    true
                })
            }
            Storage::Mapped(mapped) => {
                mapped.present.contains(&page)
                    && mapped.file.read(offset, into).is_ok_and(|got| {
                        // The host file ends where the file does.
                        into.get_mut(got..).unwrap_or_default().fill(0);
                        true
                    })
            }
        }
    }

    /// Stores bytes of one page, which is made if it is not there: then they begin it, and zeros end it.
    fn put(&mut self, offset: u64, from: &[u8]) {
        let (page, within) = split(offset);
        match &mut self.storage {
            Storage::Heap(pages) => {
                let page = pages.entry(page).or_insert_with(|| {
                    PAGES.fetch_add(1, Ordering::Relaxed);
                    vec![0; PAGE_BYTES].into_boxed_slice()
                });
                let end = within.saturating_add(from.len());
                if let Some(to) = page.get_mut(within..end) {
                    to.copy_from_slice(from);
                }
            }
            Storage::Mapped(mapped) => {
                if mapped.file.write_all(offset, from).is_ok() {
                    mapped.present.insert(page);
                    mapped.note(page);
                }
            }
        }
    }

    fn remove(&mut self, first: u64, end: u64) {
        self.voided = self.voided.wrapping_add(1);
        match &mut self.storage {
            Storage::Heap(pages) => {
                let mut tail = pages.split_off(&first);
                let mut behind = tail.split_off(&end);
                pages.append(&mut behind);
                PAGES.fetch_sub(tail.len(), Ordering::Relaxed);
            }
            Storage::Mapped(mapped) => {
                let mut tail = mapped.present.split_off(&first);
                let mut behind = tail.split_off(&end);
                mapped.present.append(&mut behind);
                for page in tail {
                    // What a guest has changed stays until the server has it.
                    if mapped.is_changed(page) {
                        mapped.present.insert(page);
                    } else if let Some(sums) = &mut mapped.sums {
                        sums.remove(page);
                    }
                }
            }
        }
    }
}

impl Mapped {
    /// A page as it is in the host file, zeros behind its end.
    fn page(&self, number: u64) -> Vec<u8> {
        let mut page = vec![0; PAGE_BYTES];
        let got = self.file.read(number.saturating_mul(PAGE), &mut page).unwrap_or(0);
        page.get_mut(got..).unwrap_or_default().fill(0);
        page
    }

    /// The server has a page as it is now.
    fn note(&mut self, number: u64) {
        let page = self.page(number);
        if let Some(sums) = &mut self.sums {
            sums.note(number, &page);
        }
    }

    fn is_changed(&self, number: u64) -> bool {
        self.sums.as_ref().is_some_and(|sums| sums.differs(number, &self.page(number)))
    }
}

impl Content {
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock()
    }

    /// How often cached pages were made void: to be taken before asking, and handed to [`Self::fill`].
    pub(super) fn voided(&self) -> u64 {
        self.0.lock().voided
    }

    /// Whether anything is cached that the server has not got.
    pub(crate) const fn is_dirty(&self) -> bool {
        false
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
            if !inner.get(at, piece) {
                break;
            }
            done = done.saturating_add(length);
        }
        done
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
            if !inner.has(at / PAGE) {
                inner.put(at, piece);
            }
        }
    }

    /// Takes over what the server gives unasked, whole pages or parts of those that are there.
    pub(crate) fn store(&self, offset: u64, data: &[u8]) {
        self.overlay(offset, data);
    }

    /// Takes over what was written: into pages that are there, and whole pages.
    pub(super) fn overlay(&self, offset: u64, data: &[u8]) {
        let mut inner = self.0.lock();
        let mut done: usize = 0;
        while let Some(rest) = data.get(done..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(done as u64);
            let (page, within) = split(at);
            let length = rest.len().min(PAGE_BYTES.saturating_sub(within));
            if inner.has(page) || within == 0 && length == PAGE_BYTES {
                inner.put(at, rest.get(..length).unwrap_or_default());
            }
            done = done.saturating_add(length);
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
        inner.remove(size.div_ceil(PAGE), u64::MAX);
        let heap = matches!(inner.storage, Storage::Heap(_));
        if heap && within > 0 && inner.has(page) {
            let zeros = vec![0; PAGE_BYTES.saturating_sub(within)];
            inner.put(size, &zeros);
        }
        if let Storage::Mapped(mapped) = &inner.storage {
            // Nothing better can be done if the host refuses: the pages behind are not shown by reads.
            let _ = mapped.file.set_size(size);
        }
    }

    /// Whether guests can change pages unseen.
    pub(super) fn is_watched(&self) -> bool {
        matches!(&self.0.lock().storage, Storage::Mapped(mapped) if mapped.sums.is_some())
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

    /// The next pages, from one on, that a guest has changed, as far as they lie within the file's size: where, and what is in them. They
    /// count as written.
    pub(super) fn next_changed(&self, from: u64, size: u64) -> Option<(u64, Vec<u8>)> {
        let mut inner = self.0.lock();
        let Storage::Mapped(mapped) = &mut inner.storage else { return None };
        let mut page = mapped.sums.as_ref()?.next(from)?;
        while !mapped.is_changed(page) {
            page = mapped.sums.as_ref()?.next(page.saturating_add(1))?;
        }
        let start = page.saturating_mul(PAGE);
        let mut data = Vec::new();
        while data.len() < TOGETHER && mapped.is_changed(page) {
            data.extend(mapped.page(page));
            mapped.note(page);
            page = page.saturating_add(1);
        }
        let left = usize::try_from(size.saturating_sub(start)).unwrap_or(usize::MAX);
        data.truncate(left);
        if data.is_empty() { None } else { Some((start, data)) }
    }

    /// Whether so much is cached that clean pages have to go.
    pub(super) fn is_crowded() -> bool {
        PAGES.load(Ordering::Relaxed) > PAGES_MOST
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
        if let Storage::Heap(pages) = &inner.storage {
            let file = MemoryFile::new(c"fuse")?;
            file.set_size(size)?;
            let mut mapped = Mapped { file, present: BTreeSet::new(), sums: None };
            for (number, page) in pages {
                let offset = number.saturating_mul(PAGE);
                let most = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
                mapped.file.write_all(offset, page.get(..page.len().min(most)).unwrap_or_default())?;
                mapped.present.insert(*number);
            }
            PAGES.fetch_sub(pages.len(), Ordering::Relaxed);
            inner.storage = Storage::Mapped(mapped);
        }
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

impl Drop for Content {
    fn drop(&mut self) {
        if let Storage::Heap(pages) = &self.0.get_mut().storage {
            PAGES.fetch_sub(pages.len(), Ordering::Relaxed);
        }
    }
}

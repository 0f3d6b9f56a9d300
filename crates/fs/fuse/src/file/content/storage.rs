//! Where pages of a file lie: in the sentry's memory until somebody maps the file, then in a host file that guests map.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use abi::Errno;
use host::memory_file::MemoryFile;

use super::sums::Sums;
use crate::file::{PAGE, PAGE_BYTES};

/// Pages of all files together, beyond which clean ones are let go.
const PAGES_MOST: usize = 32_768;
/// Pages that are cached of all files together.
static PAGES: AtomicUsize = AtomicUsize::new(0);

/// Whether so much is cached that clean pages have to go.
pub(super) fn is_crowded() -> bool {
    PAGES.load(Ordering::Relaxed) > PAGES_MOST
}

/// The page of an offset, and the place in it.
pub(super) fn split(offset: u64) -> (u64, usize) {
    (offset / PAGE, usize::try_from(offset % PAGE).unwrap_or(0))
}

/// Data that lies at an offset, cut where pages end: the offset of each piece, and the piece.
pub(super) fn pieces(offset: u64, data: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let (mut at, mut rest) = (offset, data);
    std::iter::from_fn(move || {
        let (_, within) = split(at);
        let (piece, behind) = rest.split_at_checked(PAGE_BYTES.saturating_sub(within)).unwrap_or((rest, &[]));
        let start = at;
        at = at.saturating_add(piece.len() as u64);
        rest = behind;
        (!piece.is_empty()).then_some((start, piece))
    })
}

pub(super) enum Storage {
    Heap(BTreeMap<u64, Box<[u8]>>),
    /// As guests map it.
    Mapped(Mapped),
}

pub(super) struct Mapped {
    pub(super) file: MemoryFile,
    /// The pages of it that hold content.
    pub(super) present: BTreeSet<u64>,
    /// As the server has them, once guests can change them unseen.
    pub(super) sums: Option<Sums>,
}

impl Default for Storage {
    fn default() -> Self {
        Self::Heap(BTreeMap::new())
    }
}

impl Storage {
    pub(super) fn has(&self, page: u64) -> bool {
        match self {
            Self::Heap(pages) => pages.contains_key(&page),
            Self::Mapped(mapped) => mapped.present.contains(&page),
        }
    }

    /// Copies bytes of one page out. False if it is not there.
    pub(super) fn get(&self, offset: u64, into: &mut [u8]) -> bool {
        let (page, within) = split(offset);
        match self {
            Self::Heap(pages) => {
                let found = pages.get(&page).and_then(|page| page.get(within..)?.get(..into.len()));
                found.is_some_and(|bytes| {
                    into.copy_from_slice(bytes);
                    true
                })
            }
            Self::Mapped(mapped) => {
                mapped.present.contains(&page)
                    && mapped.file.read(offset, into).is_ok_and(|got| {
                        // The host file ends where the file does.
                        into.get_mut(got..).unwrap_or_default().fill(0);
                        true
                    })
            }
        }
    }

    /// Stores bytes of one page, which is made if it is not there: then they lie among zeros. `clean` if the server has them too.
    pub(super) fn put(&mut self, offset: u64, from: &[u8], clean: bool) {
        let (page, within) = split(offset);
        match self {
            Self::Heap(pages) => {
                let page = pages.entry(page).or_insert_with(|| {
                    PAGES.fetch_add(1, Ordering::Relaxed);
                    vec![0; PAGE_BYTES].into_boxed_slice()
                });
                let end = within.saturating_add(from.len());
                if let Some(to) = page.get_mut(within..end) {
                    to.copy_from_slice(from);
                }
            }
            Self::Mapped(mapped) => {
                if mapped.file.write_all(offset, from).is_ok() {
                    mapped.present.insert(page);
                    if clean {
                        mapped.note(page);
                    }
                }
            }
        }
    }

    /// Lets pages go, but those that are to be kept or that guests have changed.
    pub(super) fn remove(&mut self, first: u64, end: u64, keep: impl Fn(u64) -> bool) {
        match self {
            Self::Heap(pages) => {
                let there: Vec<u64> = pages.range(first..end).map(|(page, _)| *page).collect();
                for page in there.into_iter().filter(|page| !keep(*page)) {
                    pages.remove(&page);
                    PAGES.fetch_sub(1, Ordering::Relaxed);
                }
            }
            Self::Mapped(mapped) => {
                let there: Vec<u64> = mapped.present.range(first..end).copied().collect();
                for page in there.into_iter().filter(|page| !keep(*page)) {
                    // What a guest has changed stays until the server has it.
                    if !mapped.is_changed(page) {
                        mapped.present.remove(&page);
                        if let Some(sums) = &mut mapped.sums {
                            sums.remove(page);
                        }
                    }
                }
            }
        }
    }

    /// Moves what is there into a host file of a size.
    pub(super) fn move_to_file(&mut self, size: u64) -> Result<(), Errno> {
        if let Self::Heap(pages) = self {
            let file = MemoryFile::new(c"fuse")?;
            file.set_size(size)?;
            let mut mapped = Mapped { file, present: BTreeSet::new(), sums: None };
            for (number, page) in &*pages {
                let offset = number.saturating_mul(PAGE);
                let most = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
                mapped.file.write_all(offset, page.get(..page.len().min(most)).unwrap_or_default())?;
                mapped.present.insert(*number);
            }
            PAGES.fetch_sub(pages.len(), Ordering::Relaxed);
            *self = Self::Mapped(mapped);
        }
        Ok(())
    }

    /// A page as it is, zeros behind the end of the file.
    pub(super) fn page(&self, number: u64) -> Vec<u8> {
        match self {
            Self::Heap(pages) => pages.get(&number).map_or_else(|| vec![0; PAGE_BYTES], |page| page.to_vec()),
            Self::Mapped(mapped) => mapped.page(number),
        }
    }

    /// The next page from one on that guests have changed in their mappings.
    pub(super) fn next_changed(&self, from: u64) -> Option<u64> {
        let Self::Mapped(mapped) = self else { return None };
        let sums = mapped.sums.as_ref()?;
        let mut page = sums.next(from)?;
        while !mapped.is_changed(page) {
            page = sums.next(page.saturating_add(1))?;
        }
        Some(page)
    }

    pub(super) fn is_changed(&self, number: u64) -> bool {
        matches!(self, Self::Mapped(mapped) if mapped.is_changed(number))
    }

    /// The server has a page as it is now, or will have.
    pub(super) fn note(&mut self, number: u64) {
        if let Self::Mapped(mapped) = self {
            mapped.note(number);
        }
    }
}

impl Mapped {
    fn page(&self, number: u64) -> Vec<u8> {
        let mut page = vec![0; PAGE_BYTES];
        let got = self.file.read(number.saturating_mul(PAGE), &mut page).unwrap_or(0);
        page.get_mut(got..).unwrap_or_default().fill(0);
        page
    }

    pub(super) fn note(&mut self, number: u64) {
        let page = self.page(number);
        if let Some(sums) = &mut self.sums {
            sums.note(number, &page);
        }
    }

    fn is_changed(&self, number: u64) -> bool {
        self.sums.as_ref().is_some_and(|sums| sums.differs(number, &self.page(number)))
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        if let Self::Heap(pages) = self {
            PAGES.fetch_sub(pages.len(), Ordering::Relaxed);
        }
    }
}

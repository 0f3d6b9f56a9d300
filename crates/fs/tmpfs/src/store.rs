//! A file of the host that holds the content of all files of a filesystem, given out in chunks of pages.
//!
//! The host's file is as long as it likes: what nobody has written takes up nothing. So a chunk is given out whole, next to nothing else
//! of another file's, and what is not used any more becomes a hole.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use host::memory_file::MemoryFile;
use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::pages::PAGE;

/// The largest chunk is of so many pages, as a power of two: 4 MiB.
pub(crate) const LARGEST: u32 = 10;
/// Pages that a file of the host can have on every filesystem that is in use: 16 TiB.
const MOST: u64 = 1 << 32;

/// Bits of a word.
const WORD: usize = 64;

/// Such a file.
pub struct Store {
    file: MemoryFile,
    space: Mutex<Space>,
}

/// What is given out, in pages.
#[derive(Default)]
struct Space {
    end: u64,
    /// Chunks that were given back, by their size.
    free: [Vec<u64>; LARGEST as usize + 1],
}

/// Pages that one file has for itself. They read as zeros at first, and are given back when it is dropped.
pub(crate) struct Chunk {
    store: Arc<Store>,
    /// The first page in the store.
    start: u64,
    order: u32,
    /// One bit for each page that is in use.
    used: SmallVec<[u64; 1]>,
}

impl Store {
    /// Over a file that is empty, open for reading and writing, and nobody else's.
    #[must_use]
    pub const fn new(file: OwnedFd) -> Self {
        let space = Space { end: 0, free: [const { Vec::new() }; LARGEST as usize + 1] };
        Self { file: MemoryFile::over(file), space: Mutex::new(space) }
    }

    /// A chunk of 2 to the power of `order` pages.
    ///
    /// # Errors
    /// `ENOSPC`.
    pub(crate) fn chunk(self: &Arc<Self>, order: u32) -> Result<Chunk, Errno> {
        let mut space = self.space.lock();
        let free = usize::try_from(order).ok().and_then(|order| space.free.get_mut(order));
        let start = match free.ok_or(Errno::ENOSPC)?.pop() {
            Some(start) => start,
            None => {
                let start = space.end;
                let end = start.saturating_add(1 << order);
                if end > MOST {
                    return Err(Errno::ENOSPC);
                }
                space.end = end;
                start
            }
        };
        drop(space);
        let words = (1usize << order).div_ceil(WORD);
        Ok(Chunk { store: Arc::clone(self), start, order, used: smallvec::smallvec![0; words] })
    }
}

impl Chunk {
    /// Pages.
    pub(crate) const fn len(&self) -> u64 {
        1 << self.order
    }

    fn at(&self, offset: u64) -> u64 {
        self.start.saturating_mul(PAGE).saturating_add(offset)
    }

    /// Reads all of `into` from an offset in the chunk.
    pub(crate) fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), Errno> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.store.file.read(self.at(offset.saturating_add(done as u64)), rest)? {
                // Nothing was ever written from here on.
                0 => {
                    rest.fill(0);
                    break;
                }
                count => done = done.saturating_add(count),
            }
        }
        Ok(())
    }

    pub(crate) fn write(&self, offset: u64, data: &[u8]) -> Result<(), Errno> {
        self.store.file.write_all(self.at(offset), data)
    }

    /// Has the host keep room for a range.
    pub(crate) fn reserve(&self, offset: u64, length: u64) -> Result<(), Errno> {
        self.store.file.allocate(self.at(offset), length, true)
    }

    /// A range reads as zeros, and takes up nothing as far as it is whole pages.
    pub(crate) fn punch(&self, offset: u64, length: u64) -> Result<(), Errno> {
        self.store.file.punch(self.at(offset), length)
    }
}

impl Chunk {
    /// Whether a page is in use.
    pub(crate) fn is_used(&self, page: u64) -> bool {
        let (word, bit) = place_of(page);
        self.used.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Whether it is from now on. True if that is new.
    pub(crate) fn set_used(&mut self, page: u64, used: bool) -> bool {
        let (word, bit) = place_of(page);
        let Some(word) = self.used.get_mut(word) else { return false };
        let before = *word & bit != 0;
        *word = if used { *word | bit } else { *word & !bit };
        before != used
    }

    /// How many are.
    pub(crate) fn used(&self) -> u64 {
        self.used.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

/// Where the bit of a page is.
fn place_of(page: u64) -> (usize, u64) {
    let page = usize::try_from(page).unwrap_or(usize::MAX);
    (page / WORD, 1 << (page % WORD))
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if self.used() > 0 && self.punch(0, self.len().saturating_mul(PAGE)).is_err() {
            // Whoever got it next would find what this one has written.
            return;
        }
        let mut space = self.store.space.lock();
        let free = usize::try_from(self.order).ok().and_then(|order| space.free.get_mut(order));
        if let Some(free) = free {
            free.push(self.start);
        }
    }
}

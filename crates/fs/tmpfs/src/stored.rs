//! The content of a file in a [`Store`]: chunks that grow with the file, with holes.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use abi::Errno;
use vfs::{Sink, scratch};

use crate::pages::{PAGE, pages_of};
use crate::store::{Chunk, LARGEST, Store};

/// Pages of one file. A page that is not in use reads as zeros.
pub(crate) struct Stored {
    store: Arc<Store>,
    /// The file's first page, which for most files is all.
    first: Option<Chunk>,
    /// The others, by their number.
    rest: BTreeMap<u64, Chunk>,
}

/// Which chunk a page of a file lies in: the chunk's number, its first page, and its size as a power of two.
const fn chunk_of(page: u64) -> (u64, u64, u32) {
    let Some(order) = page.checked_ilog2() else { return (0, 0, 0) };
    if order < LARGEST {
        return (order as u64 + 1, 1 << order, order);
    }
    let number = page >> LARGEST;
    (number.saturating_add(LARGEST as u64), number << LARGEST, LARGEST)
}

/// The part of a range of bytes that lies in the chunk of its start: where that chunk begins, and where the part ends.
fn within(start: u64, end: u64) -> (u64, u64) {
    let (_, first, order) = chunk_of(start / PAGE);
    (first.saturating_mul(PAGE), end.min(first.saturating_add(1 << order).saturating_mul(PAGE)))
}

impl Stored {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store, first: None, rest: BTreeMap::new() }
    }

    fn chunk(&self, number: u64) -> Option<&Chunk> {
        if number == 0 { self.first.as_ref() } else { self.rest.get(&number) }
    }

    /// The chunk of a page, made if it is missing.
    fn make(&mut self, page: u64) -> Result<&mut Chunk, Errno> {
        let (number, _, order) = chunk_of(page);
        if number == 0 {
            if self.first.is_none() {
                self.first = Some(self.store.chunk(order)?);
            }
            return self.first.as_mut().ok_or(Errno::EIO);
        }
        match self.rest.entry(number) {
            std::collections::btree_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::btree_map::Entry::Vacant(entry) => Ok(entry.insert(self.store.chunk(order)?)),
        }
    }

    /// The chunks there are from that of a page on, with their first pages.
    fn chunks(&self, page: u64) -> impl Iterator<Item = (u64, &Chunk)> {
        let (number, ..) = chunk_of(page);
        let first = self.first.iter().filter(move |_| number == 0).map(|chunk| (0, chunk));
        first.chain(self.rest.range(number..).map(|(number, chunk)| (first_page(*number), chunk)))
    }

    /// Pages in use.
    pub(crate) fn len(&self) -> u64 {
        self.chunks(0).map(|(_, chunk)| chunk.used()).sum()
    }

    fn is_used(&self, page: u64) -> bool {
        let (number, first, _) = chunk_of(page);
        self.chunk(number).is_some_and(|chunk| chunk.is_used(page.saturating_sub(first)))
    }

    /// How many of these pages are not in use.
    pub(crate) fn missing(&self, pages: Range<u64>) -> u64 {
        let mut used = 0u64;
        for (first, chunk) in self.chunks(pages.start).take_while(|(first, _)| *first < pages.end) {
            let own = first.max(pages.start)..first.saturating_add(chunk.len()).min(pages.end);
            let there = own.filter(|page| chunk.is_used(page.saturating_sub(first))).count();
            used = used.saturating_add(there as u64);
        }
        pages.end.saturating_sub(pages.start).saturating_sub(used)
    }

    /// Copies from `offset` to `end` (not behind the file's size) out. Returns the count.
    pub(crate) fn read(&self, offset: u64, end: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        scratch::fill(into, |done, buffer| {
            let at = offset.saturating_add(done as u64);
            let count = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(buffer.len());
            self.copy_out(at, buffer.get_mut(..count).unwrap_or_default()).map(|()| count)
        })
    }

    /// All of what lies at an offset.
    pub(crate) fn copy_out(&self, mut at: u64, mut into: &mut [u8]) -> Result<(), Errno> {
        while !into.is_empty() {
            let (start, end) = within(at, at.saturating_add(into.len() as u64));
            let count = usize::try_from(end.saturating_sub(at)).unwrap_or(0);
            let (piece, rest) = into.split_at_mut_checked(count).ok_or(Errno::EIO)?;
            match self.chunk(chunk_of(at / PAGE).0) {
                Some(chunk) => chunk.read(at.saturating_sub(start), piece)?,
                None => piece.fill(0),
            }
            (into, at) = (rest, end);
        }
        Ok(())
    }

    /// Writes at an offset. If that fails nothing has changed but the pages that were in use.
    pub(crate) fn write(&mut self, mut at: u64, mut data: &[u8]) -> Result<(), Errno> {
        while !data.is_empty() {
            let (start, end) = within(at, at.saturating_add(data.len() as u64));
            let count = usize::try_from(end.saturating_sub(at)).unwrap_or(0);
            let (piece, rest) = data.split_at_checked(count).ok_or(Errno::EIO)?;
            let pages = at.saturating_sub(start) / PAGE..pages_of(end.saturating_sub(start));
            let chunk = self.make(at / PAGE)?;
            let written = chunk.write(at.saturating_sub(start), piece);
            if let Err(error) = written {
                for page in pages.filter(|page| !chunk.is_used(*page)) {
                    // If even that fails its bytes are seen once the file is longer; the host is at its end then.
                    let _ = chunk.punch(page.saturating_mul(PAGE), PAGE);
                }
                return Err(error);
            }
            for page in pages {
                chunk.set_used(page, true);
            }
            (data, at) = (rest, end);
        }
        Ok(())
    }

    /// Has the host keep room for a range of pages, which are in use from now on.
    pub(crate) fn reserve(&mut self, pages: Range<u64>) -> Result<(), Errno> {
        let (mut at, end) = (pages.start.saturating_mul(PAGE), pages.end.saturating_mul(PAGE));
        while at < end {
            let (start, stop) = within(at, end);
            let chunk = self.make(at / PAGE)?;
            chunk.reserve(at.saturating_sub(start), stop.saturating_sub(at))?;
            for page in at.saturating_sub(start) / PAGE..stop.saturating_sub(start) / PAGE {
                chunk.set_used(page, true);
            }
            at = stop;
        }
        Ok(())
    }

    /// Everything from `size` on goes.
    pub(crate) fn cut(&mut self, size: u64) -> Result<(), Errno> {
        self.punch(size, u64::MAX)?;
        let (last, ..) = chunk_of(pages_of(size).saturating_sub(1));
        drop(self.rest.split_off(&last.saturating_add(1)));
        if size == 0 {
            self.rest.clear();
            self.first = None;
        }
        Ok(())
    }

    /// A range reads as zeros from now on; whole pages of it are not in use any more.
    pub(crate) fn punch(&mut self, start: u64, end: u64) -> Result<(), Errno> {
        let first = self.first.iter_mut().map(|chunk| (0, chunk)).filter(|_| start < PAGE);
        let (number, ..) = chunk_of(start / PAGE);
        let rest = self.rest.range_mut(number..).map(|(number, chunk)| (first_page(*number), chunk));
        for (first, chunk) in first.chain(rest) {
            let base = first.saturating_mul(PAGE);
            let length = chunk.len().saturating_mul(PAGE);
            if base >= end {
                break;
            }
            let (from, to) = (start.saturating_sub(base), end.saturating_sub(base).min(length));
            if from >= to || chunk.used() == 0 {
                continue;
            }
            chunk.punch(from, to.saturating_sub(from))?;
            for page in pages_of(from)..to / PAGE {
                chunk.set_used(page, false);
            }
        }
        Ok(())
    }

    /// The next byte at or after `offset` that lies in data.
    pub(crate) fn next_data(&self, offset: u64) -> Option<u64> {
        let page = offset / PAGE;
        let mut used = self.chunks(page).flat_map(|(first, chunk)| {
            let pages = (0..chunk.len()).filter(|page| chunk.is_used(*page));
            pages.map(move |page| first.saturating_add(page))
        });
        used.find(|found| *found >= page).map(|found| offset.max(found.saturating_mul(PAGE)))
    }

    /// The next byte at or after `offset` that lies in a hole.
    pub(crate) fn next_hole(&self, offset: u64) -> u64 {
        let mut page = offset / PAGE;
        while self.is_used(page) {
            page = page.saturating_add(1);
        }
        offset.max(page.saturating_mul(PAGE))
    }
}

/// The first page of a chunk.
const fn first_page(number: u64) -> u64 {
    match number {
        0 => 0,
        number if number <= LARGEST as u64 => 1 << (number - 1),
        number => (number - LARGEST as u64) << LARGEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_follow_each_other() {
        let mut next = 0;
        while next < 1 << 14 {
            let (number, first, order) = chunk_of(next);
            assert_eq!((first, first_page(number)), (next, next));
            assert_eq!(chunk_of(first + (1 << order) - 1), (number, first, order));
            next = first + (1 << order);
        }
    }
}

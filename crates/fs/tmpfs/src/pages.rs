//! The content of a file in the sentry's own memory: pages by number, with holes.

use std::io::IoSlice;

use abi::Errno;
use smallvec::SmallVec;
use vfs::{Sink, Source};

use crate::page_map::PageMap;

/// Bytes a page.
pub(crate) const PAGE: u64 = 4096;
const PAGE_BYTES: usize = 4096;

/// Pages that are read in one go.
const TOGETHER: usize = 32;

static ZEROS: [u8; PAGE_BYTES] = [0; PAGE_BYTES];

/// A page may be shorter than it seems: what is missing at its end is zero. An empty one is reserved memory without data.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    pages: PageMap,
}

/// The page of an offset, and the place in it.
pub(crate) fn split(offset: u64) -> (u64, usize) {
    let within = usize::try_from(offset & (PAGE - 1)).unwrap_or(0);
    (offset >> 12, within)
}

/// How many pages hold so many bytes.
pub(crate) const fn pages_of(bytes: u64) -> u64 {
    bytes.div_ceil(PAGE)
}

impl Pages {
    /// Pages in use.
    pub(crate) fn len(&self) -> u64 {
        self.pages.len()
    }

    pub(crate) fn contains(&self, page: u64) -> bool {
        self.pages.get(page).is_some()
    }

    /// Copies from `offset` to `end` (not behind the file's size) out. Returns the count.
    pub(crate) fn read(&self, mut offset: u64, end: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let mut done: usize = 0;
        while offset < end && into.room() > 0 {
            let mut pieces = SmallVec::<[IoSlice<'_>; TOGETHER]>::new();
            let (mut at, mut length) = (offset, 0);
            while at < end && pieces.len() < TOGETHER && length < into.room() {
                let piece = self.piece(at, end);
                at = at.saturating_add(piece.len() as u64);
                length += piece.len();
                pieces.push(IoSlice::new(piece));
            }
            let put = match into.put_many(&pieces) {
                Ok(put) => put,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            };
            done = done.saturating_add(put);
            offset = offset.saturating_add(put as u64);
            if put < length {
                break;
            }
        }
        Ok(done)
    }

    /// What lies at an offset below `end`: bytes of one page, or zeros.
    fn piece(&self, offset: u64, end: u64) -> &[u8] {
        let (number, within) = split(offset);
        let page = self.pages.get(number).map(Vec::as_slice).unwrap_or_default();
        let piece = match page.get(within..) {
            Some(piece) if !piece.is_empty() => piece,
            _ => ZEROS.get(within..).unwrap_or_default(),
        };
        let rest = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
        piece.get(..piece.len().min(rest)).unwrap_or_default()
    }

    /// Copies up to `count` bytes in, all within the page of `offset`, which exists or may be made. Returns how many came.
    pub(crate) fn write(&mut self, offset: u64, count: usize, from: &mut dyn Source) -> Result<usize, Errno> {
        let (number, within) = split(offset);
        let count = count.min(PAGE_BYTES.saturating_sub(within));
        let page = self.pages.make(number);
        let old = page.len();
        let end = within.saturating_add(count);
        if end > old {
            // A page that is half full already will likely be filled.
            let reserve = if end > PAGE_BYTES / 2 { PAGE_BYTES } else { end.next_power_of_two() };
            page.reserve_exact(reserve.saturating_sub(old));
            page.resize(end, 0);
        }
        let target = page.get_mut(within..end).unwrap_or_default();
        let result = from.take(target);
        let taken = *result.as_ref().unwrap_or(&0);
        if end > old {
            page.truncate(old.max(if taken == 0 { 0 } else { within.saturating_add(taken) }));
        }
        result
    }

    /// Removes a page that a failed write made and left empty.
    pub(crate) fn drop_if_empty(&mut self, page: u64) {
        if self.pages.get(page).is_some_and(Vec::is_empty) {
            self.pages.remove(page..page.saturating_add(1));
        }
    }

    /// Reserves a page. True if it is new.
    pub(crate) fn reserve(&mut self, page: u64) -> bool {
        let new = !self.contains(page);
        self.pages.make(page);
        new
    }

    /// Everything from `size` on goes. Returns the pages freed.
    pub(crate) fn cut(&mut self, size: u64) -> u64 {
        let (number, within) = split(size);
        if within > 0
            && let Some(page) = self.pages.get_mut(number)
        {
            page.truncate(within);
        }
        self.pages.remove(pages_of(size)..u64::MAX)
    }

    /// A range reads as zeros from now on; whole pages of it are freed. Returns how many.
    pub(crate) fn punch(&mut self, start: u64, end: u64) -> u64 {
        let (first_whole, last_whole) = (pages_of(start), end >> 12);
        self.zero(start, end.min(first_whole.saturating_mul(PAGE)));
        if last_whole < first_whole {
            return 0;
        }
        self.zero(start.max(last_whole.saturating_mul(PAGE)), end);
        self.pages.remove(first_whole..last_whole)
    }

    /// Zeroes bytes within one page.
    fn zero(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let (number, within) = split(start);
        let count = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
        if let Some(page) = self.pages.get_mut(number) {
            let end = within.saturating_add(count).min(page.len());
            page.get_mut(within..end).unwrap_or_default().fill(0);
        }
    }

    /// The next byte at or after `offset` that lies in data.
    pub(crate) fn next_data(&self, offset: u64) -> Option<u64> {
        let (number, _) = split(offset);
        let mut filled = self.pages.from(number).filter(|(_, page)| !page.is_empty());
        filled.next().map(|(page, _)| offset.max(page.saturating_mul(PAGE)))
    }

    /// The next byte at or after `offset` that lies in a hole.
    pub(crate) fn next_hole(&self, offset: u64) -> u64 {
        let (mut number, _) = split(offset);
        for (page, data) in self.pages.from(number) {
            if page != number || data.is_empty() {
                break;
            }
            number = number.saturating_add(1);
        }
        offset.max(number.saturating_mul(PAGE))
    }

    /// The pages with data, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.pages.from(0).map(|(number, page)| (number, page.as_slice()))
    }
}

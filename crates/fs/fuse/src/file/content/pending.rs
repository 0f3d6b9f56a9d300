//! What lies between cache and server: pages to be sent, pages under way, pages that were asked for ahead of time.

use std::sync::atomic::{AtomicUsize, Ordering};

use abi::Errno;

use super::storage::pieces;
use super::{Content, Inner};
use crate::file::{PAGE, PAGE_BYTES};

/// Pages of all files together that may wait to be sent: whoever writes more sends its own first.
const DIRTY_MOST: usize = 2048;
/// Those that wait.
static DIRTY: AtomicUsize = AtomicUsize::new(0);

/// Content to be sent.
pub(in crate::file) struct Due {
    pub(in crate::file) offset: u64,
    pub(in crate::file) data: Vec<u8>,
    /// The pages that it is.
    first: u64,
    end: u64,
}

/// Content that was sent, and how that went.
pub(in crate::file) struct Landed {
    first: u64,
    end: u64,
    failed: Option<Errno>,
}

impl Due {
    /// It was sent.
    pub(in crate::file) const fn landed(&self, failed: Option<Errno>) -> Landed {
        Landed { first: self.first, end: self.end, failed }
    }

    /// Where the next is to be looked for.
    pub(in crate::file) const fn behind(&self) -> u64 {
        self.end
    }
}

impl Inner {
    fn soil(&mut self, page: u64) {
        if self.dirty.insert(page) {
            DIRTY.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn clean(&mut self, page: u64) {
        if self.dirty.remove(&page) {
            DIRTY.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Pages from one on need not be sent any more.
    pub(super) fn clean_from(&mut self, first: u64) {
        let gone = self.dirty.split_off(&first);
        DIRTY.fetch_sub(gone.len(), Ordering::Relaxed);
    }

    /// The next page from one on that is to be sent and is not under way.
    fn next_due(&self, from: u64) -> Option<u64> {
        let mut from = from;
        loop {
            let dirty = self.dirty.range(from..).next().copied();
            let changed = self.storage.next_changed(from);
            let next = dirty.into_iter().chain(changed).min()?;
            if !self.flying.contains(&next) {
                return Some(next);
            }
            from = next.saturating_add(1);
        }
    }

    fn is_due(&self, page: u64) -> bool {
        !self.flying.contains(&page) && (self.dirty.contains(&page) || self.storage.is_changed(page))
    }

    fn take_due(&mut self, from: u64, size: u64, most: usize) -> Option<Due> {
        let first = self.next_due(from)?;
        let start = first.saturating_mul(PAGE);
        if start >= size {
            // Behind the end there is nothing to send.
            return None;
        }
        let (mut data, mut page) = (Vec::new(), first);
        while (data.is_empty() || data.len().saturating_add(PAGE_BYTES) <= most) && self.is_due(page) {
            data.extend(self.storage.page(page));
            self.storage.note(page);
            self.clean(page);
            self.flying.insert(page);
            page = page.saturating_add(1);
        }
        data.truncate(usize::try_from(size.saturating_sub(start)).unwrap_or(usize::MAX));
        Some(Due { offset: start, data, first, end: page })
    }
}

impl Content {
    /// Takes over what a guest wrote, into pages that are there, whole pages, and those that lie behind the end of the file so far. Stops at
    /// the first page that is none of these: it has to be asked for first. Returns how much it took.
    pub(in crate::file) fn soil(&self, offset: u64, data: &[u8], size: u64) -> usize {
        let mut inner = self.0.lock();
        let mut done: usize = 0;
        for (at, piece) in pieces(offset, data) {
            let page = at / PAGE;
            let whole = piece.len() == PAGE_BYTES || page.saturating_mul(PAGE) >= size;
            if !whole && !inner.storage.has(page) {
                break;
            }
            inner.storage.put(at, piece, false);
            inner.soil(page);
            done = done.saturating_add(piece.len());
        }
        done
    }

    /// Whether more waits to be sent than may.
    pub(in crate::file) fn is_too_dirty() -> bool {
        DIRTY.load(Ordering::Relaxed) > DIRTY_MOST
    }

    /// Whether anything is to be sent, or under way.
    pub(crate) fn is_dirty(&self) -> bool {
        let inner = self.0.lock();
        !inner.dirty.is_empty() || !inner.flying.is_empty() || inner.storage.next_changed(0).is_some()
    }

    /// Whether nothing is under way.
    pub(crate) fn has_landed(&self) -> bool {
        self.0.lock().flying.is_empty()
    }

    /// Takes note of what was sent, and gives the next, from a page on: at most so many bytes in a row, within the file's size.
    pub(in crate::file) fn next_due(
        &self,
        landed: Option<&Landed>,
        from: u64,
        size: u64,
        most: usize,
    ) -> Option<Due> {
        let mut inner = self.0.lock();
        let next = inner.take_due(from, size, most);
        if let Some(landed) = landed {
            (landed.first..landed.end).for_each(|page| {
                inner.flying.remove(&page);
            });
            inner.failed = landed.failed.or(inner.failed);
        }
        next
    }

    /// What sending has failed with, told once.
    pub(in crate::file) fn take_failure(&self) -> Result<(), Errno> {
        self.0.lock().failed.take().map_or(Ok(()), Err)
    }

    /// Says that a range is asked for ahead of time. False if part of it is there or comes already.
    pub(in crate::file) fn expect(&self, first: u64, end: u64) -> bool {
        let mut inner = self.0.lock();
        let known = (first..end).any(|page| inner.storage.has(page) || inner.is_coming(page));
        if !known {
            inner.coming.insert(first, end);
        }
        !known
    }

    /// It has come, or never will.
    pub(in crate::file) fn arrived(&self, first: u64) {
        self.0.lock().coming.remove(&first);
    }

    /// Whether a page was asked for ahead of time and has not come.
    pub(in crate::file) fn is_coming(&self, page: u64) -> bool {
        self.0.lock().is_coming(page)
    }
}

impl Inner {
    fn is_coming(&self, page: u64) -> bool {
        self.coming.range(..=page).next_back().is_some_and(|(_, end)| page < *end)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        DIRTY.fetch_sub(self.dirty.len(), Ordering::Relaxed);
    }
}

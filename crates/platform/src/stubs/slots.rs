//! Where in a memory the threads that run in it have their slots: signal stack, mailbox and page.

use parking_lot::Mutex;

use super::calls::signal_thread;
use super::interface::{MAILBOX_SIZE, PAGE_SIZE, SLOT_CHUNK, SLOTS, WINDOW_STRIDE, WINDOWS};

/// The slots of one memory, which all processes that share it use together.
pub(super) struct Slots {
    /// Bytes of one: a power of two.
    size: u64,
    inner: Mutex<Inner>,
}

struct Inner {
    used: Vec<bool>,
    /// Threads on their way out, which may still be on their slot: process, thread, slot.
    leaving: Vec<(i32, i32, u64)>,
    /// Which chunks of slots are known to be accessible.
    accessible: Vec<bool>,
    /// How many slots, from the first on, may have had windows.
    windows: u64,
}

/// A slot for a thread to be, and the range that must be made accessible for it first (start, length; 0 for none).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) slot: u64,
    pub(super) chunk: [u64; 2],
}

impl Slots {
    /// The slots of a new memory, in which one thread is.
    pub(super) fn new(size: u64) -> Self {
        let inner = Inner { used: vec![true], leaving: Vec::new(), accessible: vec![true], windows: 0 };
        Self { size, inner: Mutex::new(inner) }
    }

    /// The slots of a copy of this memory, in which only the thread on `slot` goes on.
    pub(super) fn copy(&self, slot: u64) -> Self {
        let mut used = vec![false; self.inner.lock().used.len()];
        if let Some(own) = usize::try_from(slot).ok().and_then(|n| used.get_mut(n)) {
            *own = true;
        }
        let accessible = self.inner.lock().accessible.clone();
        Self {
            size: self.size,
            inner: Mutex::new(Inner { used, leaving: Vec::new(), accessible, windows: 0 }),
        }
    }

    /// The address of a slot.
    pub(super) fn address(&self, slot: u64) -> u64 {
        SLOTS + slot * self.size
    }

    /// The address of a slot's mailbox.
    pub(super) fn mailbox(&self, slot: u64) -> u64 {
        self.address(slot) + self.size - PAGE_SIZE - MAILBOX_SIZE
    }

    /// The address of a slot's page.
    pub(super) fn page(&self, slot: u64) -> u64 {
        self.address(slot) + self.size - PAGE_SIZE
    }

    /// Takes a slot, or nothing if the range is full.
    pub(super) fn take(&self) -> Option<Place> {
        let inner = &mut *self.inner.lock();
        // A slot is free only once the host has no such thread: until then an interrupt may still use its stack.
        let Inner { used, leaving, .. } = inner;
        leaving.retain(|(process, thread, slot)| {
            let there = signal_thread(*process, *thread, 0).is_ok();
            if !there {
                release(used, *slot);
            }
            there
        });
        let slot = used.iter().position(|used| !used).unwrap_or(used.len());
        let number = u64::try_from(slot).ok()?;
        if self.address(number + SLOT_CHUNK) > WINDOWS {
            return None;
        }
        match used.get_mut(slot) {
            Some(place) => *place = true,
            None => used.push(true),
        }
        // Every thread that starts in a chunk makes it accessible, until one has: several may start at once.
        let first = number - number % SLOT_CHUNK;
        let chunk = match chunk_of(number).and_then(|n| inner.accessible.get(n)) {
            Some(true) => [0; 2],
            _ => [self.address(first), SLOT_CHUNK * self.size],
        };
        Some(Place { slot: number, chunk })
    }

    /// A thread runs on this slot, so the slots around it are accessible.
    pub(super) fn confirm(&self, slot: u64) {
        let accessible = &mut self.inner.lock().accessible;
        if let Some(chunk) = chunk_of(slot) {
            accessible.resize(accessible.len().max(chunk + 1), false);
            accessible.get_mut(chunk).into_iter().for_each(|known| *known = true);
        }
    }

    /// A window is being made for this slot.
    pub(super) fn note_window(&self, slot: u64) {
        let windows = &mut self.inner.lock().windows;
        *windows = (*windows).max(slot + 1);
    }

    /// Bytes from [`WINDOWS`] on that windows may have taken.
    pub(super) fn windows(&self) -> u64 {
        self.inner.lock().windows * WINDOW_STRIDE
    }

    /// Gives back a slot that no thread has ever run on, or none does any more.
    pub(super) fn give_back(&self, slot: u64) {
        release(&mut self.inner.lock().used, slot);
    }

    /// Gives back a slot as soon as the thread on it, which is about to end, is gone.
    pub(super) fn leave(&self, process: i32, thread: i32, slot: u64) {
        self.inner.lock().leaving.push((process, thread, slot));
    }
}

fn chunk_of(slot: u64) -> Option<usize> {
    usize::try_from(slot / SLOT_CHUNK).ok()
}

fn release(used: &mut [bool], slot: u64) {
    if let Some(place) = usize::try_from(slot).ok().and_then(|n| used.get_mut(n)) {
        *place = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_made_accessible_in_chunks_and_used_again() {
        let slots = Slots::new(16384);
        let mut chunks = 0;
        for expected in 1..2 * SLOT_CHUNK {
            let place = slots.take().unwrap();
            assert_eq!(place.slot, expected);
            if place.chunk != [0; 2] {
                assert_eq!(place.chunk, [slots.address(SLOT_CHUNK), SLOT_CHUNK * 16384]);
                chunks += 1;
                // The first two start at the same time.
                if chunks == 2 {
                    slots.confirm(expected);
                }
            }
        }
        assert_eq!(chunks, 2);
        slots.give_back(7);
        assert_eq!(slots.take().map(|p| p.slot), Some(7));
        let copy = slots.copy(3);
        assert_eq!(copy.take().map(|p| p.slot), Some(0));
        assert_eq!(copy.inner.lock().used.iter().filter(|u| **u).count(), 2);
    }

    #[test]
    fn the_range_ends_before_the_windows() {
        let slots = Slots::new((WINDOWS - SLOTS) / (2 * SLOT_CHUNK));
        let taken = core::iter::from_fn(|| slots.take()).count();
        assert!(taken < usize::try_from(2 * SLOT_CHUNK).unwrap());
    }

    #[test]
    fn the_slot_of_a_thread_that_is_there_is_not_taken() {
        let me = i32::try_from(std::process::id()).unwrap();
        let slots = Slots::new(16384);
        let place = slots.take().unwrap();
        slots.leave(me, me, place.slot);
        assert_ne!(slots.take().unwrap().slot, place.slot);
    }
}

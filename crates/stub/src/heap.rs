//! brk(2), carried out here: within the bounds that the sentry has set where it comes through the gate, and otherwise as the sentry orders it.
//!
//! The program break belongs to a memory, not to a thread: its words lie in the stub's data, which threads share and a fork copies. One
//! thread at a time moves it.

use core::sync::atomic::{AtomicU64, Ordering, compiler_fence};

use crate::arch::{nr, syscall};
use crate::interface::{BRK, Heap, ThreadPage, phase};

const PAGE: u64 = 4096;
/// How often a thread lets others run before it believes that nobody is moving the break, whatever the guest's memory says.
const PATIENCE: u32 = 10_000;

/// The memory's program break.
#[repr(C, align(64))]
pub struct Break(Heap);

impl Break {
    /// That of no program.
    pub const fn new() -> Self {
        const NONE: AtomicU64 = AtomicU64::new(0);
        Self(Heap { start: NONE, at: NONE, limit: NONE, moving: NONE })
    }

    /// A copy of the memory has none of the threads that may have been moving it.
    pub fn let_go(&self) {
        // Most copies never write here, and need no page of their own for it.
        if self.0.moving.load(Ordering::Relaxed) != 0 {
            self.0.moving.store(0, Ordering::Relaxed);
        }
    }

    /// The call's result, if the sentry has left it to the gate, and nobody else is moving the break.
    pub fn answer(&self, page: &mut ThreadPage) -> Option<u64> {
        // Every call through the gate comes by here, and only this one is to touch the words.
        if page.number() != BRK {
            return None;
        }
        let heap = &self.0;
        let limit = heap.limit.load(Ordering::Relaxed);
        if limit == 0 {
            return None;
        }
        let [wanted, ..] = page.arguments();
        if wanted < heap.start.load(Ordering::Relaxed) || wanted > limit {
            return Some(heap.at.load(Ordering::Relaxed));
        }
        // An interrupt has to wait until it has been moved.
        enter(page, phase::POSTED);
        if !self.take() {
            enter(page, phase::ENTRY);
            return None;
        }
        Some(self.move_on(wanted))
    }

    /// Moves the break. Returns where it is then: where it was, if it cannot be there. The sentry has looked at the bounds.
    pub fn order(&self, wanted: u64) -> u64 {
        let mut patience = PATIENCE;
        while !self.take() && patience > 0 {
            // SAFETY: the processor goes to somebody else, and nothing more.
            unsafe { syscall(nr::SCHED_YIELD, [0; 6]) };
            patience -= 1;
        }
        self.move_on(wanted)
    }

    fn take(&self) -> bool {
        self.0.moving.swap(1, Ordering::Acquire) == 0
    }

    fn move_on(&self, wanted: u64) -> u64 {
        let heap = &self.0;
        let old = heap.at.load(Ordering::Relaxed);
        let new = if resize(old, wanted) { wanted } else { old };
        heap.at.store(new, Ordering::Relaxed);
        heap.moving.store(0, Ordering::Release);
        new
    }
}

fn enter(page: &mut ThreadPage, phase: u64) {
    compiler_fence(Ordering::SeqCst);
    page.phase = phase;
    compiler_fence(Ordering::SeqCst);
}

/// Maps or unmaps what lies between. Returns whether that was possible.
fn resize(old: u64, new: u64) -> bool {
    const READ_WRITE: u64 = 3;
    /// `MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE`.
    const FLAGS: u64 = 0x2 | 0x20 | 0x10_0000;
    let up = |at: u64| at.wrapping_add(PAGE - 1) & !(PAGE - 1);
    let (from, to) = (up(old), up(new));
    // SAFETY: the guest's memory, as the guest wants it. It may have lied about where its break is, to its own harm.
    unsafe {
        if to > from {
            syscall(nr::MMAP, [from, to - from, READ_WRITE, FLAGS, u64::MAX, 0]) == from
        } else if to < from {
            syscall(nr::MUNMAP, [to, from - to, 0, 0, 0, 0]) == 0
        } else {
            true
        }
    }
}

//! brk(2), carried out here within the bounds that the sentry has set.
//!
//! The program break belongs to a memory, not to a thread: its words lie in the stub's data, which threads share and a fork copies. One
//! thread at a time moves it; to another that wants to meanwhile the call is a plain one.

use core::sync::atomic::{AtomicU64, Ordering, compiler_fence};

use crate::arch::{nr, syscall};
use crate::interface::{BRK, Heap, ThreadPage, phase};

const PAGE: u64 = 4096;

/// The memory's program break. All zero is one that the sentry moves.
#[repr(C, align(64))]
pub struct Break(Heap);

impl Break {
    /// One that the sentry moves.
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

    /// The call's result, if the sentry has left it to the gate.
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
        if heap.moving.swap(1, Ordering::Acquire) != 0 {
            enter(page, phase::ENTRY);
            return None;
        }
        let old = heap.at.load(Ordering::Relaxed);
        let new = if resize(old, wanted) { wanted } else { old };
        heap.at.store(new, Ordering::Relaxed);
        heap.moving.store(0, Ordering::Release);
        Some(new)
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

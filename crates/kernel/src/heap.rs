//! The heap of an address space, whose end is the program break: brk(2).
//!
//! A program's break is *lent* from the start where the platform can move it beside the guest: the kernel then hears of brk(2) only from
//! call sites that are not patched, and asks the guest where its heap ends.

use core::ops::Range;

use abi::nr;
use platform::ProgramBreak;

use crate::limits::Resource;
use crate::{AddressSpace, Task};

/// A heap, as far as the sentry knows it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heap {
    start: u64,
    /// While the break is lent, this is where it was when the kernel last moved it.
    end: u64,
    /// How far the guest may move the break by itself. 0: it is not lent.
    limit: u64,
}

impl Heap {
    /// An empty one.
    #[must_use]
    pub const fn at(start: u64) -> Self {
        Self { start, end: start, limit: 0 }
    }
}

impl AddressSpace {
    /// The heap. While the break is lent its end is whatever the guest says.
    #[must_use]
    pub fn heap(&self) -> Range<u64> {
        let Heap { start, end, limit } = self.image.lock().heap;
        let told = if limit == 0 { None } else { self.memory.lent_break().ok() };
        start..told.unwrap_or(end).max(start)
    }

    /// The program break is here from now on.
    pub fn move_break(&self, to: u64) {
        let limit = self.image.lock().heap.limit;
        self.set_heap(to, limit);
    }

    /// brk(2) comes to the kernel from now on.
    pub fn recall_break(&self) {
        let end = self.heap().end;
        self.set_heap(end, 0);
    }

    fn set_heap(&self, end: u64, limit: u64) {
        let mut image = self.image.lock();
        let start = image.heap.start;
        let was_lent = image.heap.limit != 0;
        image.heap = Heap { start, end, limit };
        drop(image);
        if (was_lent || limit != 0)
            && self.memory.lend_break(&ProgramBreak { start, at: end, limit }).is_err()
        {
            // Nobody moves it, or nobody is left.
            self.image.lock().heap.limit = 0;
        }
    }
}

impl Task {
    /// Leaves the break of a new program to the guest, unless each call has to be seen.
    pub(crate) fn lend_break(&self) {
        if self.kernel.strace || !self.may_move_break() {
            return;
        }
        let space = self.space();
        let Range { start, end } = space.heap();
        let most = self.group.limits.lock().get(Resource::Data).soft;
        let limit = start.saturating_add(most).min(self.kernel.platform.address_range().end);
        space.set_heap(end, limit);
    }

    /// Its filter may not let every brk(2) through any more.
    pub(crate) fn withdraw_break(&self) {
        if !self.may_move_break() {
            self.space().recall_break();
        }
    }

    fn may_move_break(&self) -> bool {
        !self.is_filtered() || self.attributes().seccomp.always_allows(nr::brk)
    }
}

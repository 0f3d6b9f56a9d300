//! The heap of an address space, whose end is the program break: brk(2).
//!
//! Where the break is only the platform knows, which moves it: by order of the kernel, and for most programs beside the guest, so that the
//! kernel hears of brk(2) only from call sites that are not patched.

use core::ops::Range;

use abi::nr;
use platform::ProgramBreak;

use crate::limits::Resource;
use crate::{AddressSpace, Task};

impl AddressSpace {
    /// The heap, which ends where the guest says.
    #[must_use]
    pub fn heap(&self) -> Range<u64> {
        let start = self.image.lock().heap_start;
        start..self.memory.program_break().map_or(start, |end| end.max(start))
    }

    /// brk(2) comes to the kernel from now on.
    pub fn recall_break(&self) {
        // A memory that is gone has none.
        let _ = self.memory.keep_break();
    }
}

impl Task {
    /// Gives a new program its break, and leaves it to the guest to move unless each call has to be seen.
    pub(crate) fn place_break(&self) {
        let space = self.space();
        let start = space.image.lock().heap_start;
        let limit = if self.kernel.strace || !self.may_move_break() {
            0
        } else {
            let most = self.group.limits.lock().get(Resource::Data).soft;
            start.saturating_add(most).min(self.kernel.platform.address_range().end)
        };
        // A process that is killed meanwhile has none.
        let _ = space.memory.set_break(&ProgramBreak { start, at: start, limit });
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

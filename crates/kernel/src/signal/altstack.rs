//! Alternate stacks: sigaltstack(2).

use std::sync::Arc;

use abi::Errno;
use abi::signal::{AltStack, AltStackFlags};

use crate::Task;

/// The least size: `MINSIGSTKSZ`.
pub const MINIMUM: u64 = 2048;

/// An alternate stack as it was set. Size 0: there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AlternateStack {
    pub(crate) base: u64,
    pub(crate) size: u64,
    pub(crate) flags: AltStackFlags,
}

impl AlternateStack {
    /// Whether a stack pointer lies on it.
    pub(crate) const fn holds(&self, sp: u64) -> bool {
        sp > self.base && sp.wrapping_sub(self.base) <= self.size
    }

    /// Whether a task with this stack pointer is using it. With `SS_AUTODISARM` nobody ever is, as far as can be told.
    pub(crate) const fn in_use(&self, sp: u64) -> bool {
        !self.flags.contains(AltStackFlags::AUTODISARM) && self.holds(sp)
    }

    /// Whether a handler that asks for it can be given it.
    pub(crate) const fn free(&self, sp: u64) -> bool {
        self.size != 0 && !self.in_use(sp)
    }

    /// As it stands in a signal frame.
    pub(crate) const fn to_frame(self) -> AltStack {
        AltStack { base: self.base, flags: self.flags.bits(), padding: 0, size: self.size }
    }

    /// As it stands in a signal frame (base, flags, size), if nothing but sigaltstack(2) changes it.
    pub(crate) fn lasting(self) -> Option<[u64; 3]> {
        let lasting = !self.flags.contains(AltStackFlags::AUTODISARM);
        lasting.then(|| [self.base, self.flags.bits().into(), self.size])
    }

    /// What is left of it while a handler runs on it.
    pub(crate) const fn entered(self) -> Self {
        if self.flags.contains(AltStackFlags::AUTODISARM) {
            return Self { base: 0, size: 0, flags: AltStackFlags::DISABLE };
        }
        self
    }
}

/// Whether a handler leaves the task's alternate stack as it is.
pub(crate) fn has_lasting_stack(task: &Task) -> bool {
    task.signals.state.lock().alt_stack.lasting().is_some()
}

/// The alternate stack of a task with this stack pointer.
#[must_use]
pub fn get(task: &Arc<Task>, sp: u64) -> AltStack {
    let stack = task.signals.state.lock().alt_stack;
    let usage = match (stack.size, stack.in_use(sp)) {
        (0, _) => AltStackFlags::DISABLE,
        (_, true) => AltStackFlags::ONSTACK,
        (_, false) => AltStackFlags::empty(),
    };
    let flags = usage | stack.flags.intersection(AltStackFlags::AUTODISARM);
    AltStack { flags: flags.bits(), ..stack.to_frame() }
}

/// Sets the alternate stack of a task with this stack pointer.
///
/// # Errors
/// `EPERM` while it is in use, `EINVAL` for unknown flags, `ENOMEM` if it is too small.
pub fn set(task: &Arc<Task>, sp: u64, new: &AltStack) -> Result<(), Errno> {
    let mut state = task.signals.state.lock();
    let before = state.alt_stack;
    if before.size != 0 && before.in_use(sp) {
        return Err(Errno::EPERM);
    }
    let flags = AltStackFlags::from_bits(new.flags).ok_or(Errno::EINVAL)?;
    let mode = flags.difference(AltStackFlags::AUTODISARM);
    state.alt_stack = match mode {
        AltStackFlags::DISABLE => AlternateStack { base: 0, size: 0, flags },
        mode if mode.contains(AltStackFlags::DISABLE) => return Err(Errno::EINVAL),
        _ if new.size < MINIMUM => return Err(Errno::ENOMEM),
        _ => AlternateStack { base: new.base, size: new.size, flags },
    };
    let changed = state.alt_stack != before;
    drop(state);
    if changed {
        task.publish_again();
    }
    Ok(())
}

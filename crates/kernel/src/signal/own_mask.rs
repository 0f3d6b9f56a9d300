//! Where a task's mask is.
//!
//! Once a thread has shown that it changes its mask often, rt_sigprocmask(2) is answered beside the guest, and the mask lies there: *outside*.
//! While the thread runs, the guest may change it at any time; while it is stopped, what was read once counts, and what is
//! set is written back before it goes on. All of that is under the lock of the task's signals.
//!
//! No signal is lost between the two: the sender says outside that a signal waits and then reads the mask; the guest changes the
//! mask and then looks whether a signal waits. At least one of them sees the other.

use std::sync::Arc;

use abi::signal::{Signal, SignalSet};
use platform::Thread;

/// A task's mask, and its place.
#[derive(Default)]
pub(crate) struct Mask {
    known: SignalSet,
    outside: Option<Outside>,
}

/// The mask beside the guest.
struct Outside {
    thread: Arc<dyn Thread>,
    /// Whether the thread runs.
    running: bool,
    /// Whether what is known is what counts.
    current: bool,
    /// Whether it must be written before the thread goes on.
    changed: bool,
    /// Whether it stands there that a signal waits.
    announced: bool,
}

impl Mask {
    /// One that lies here.
    pub(crate) const fn new(known: SignalSet) -> Self {
        Self { known, outside: None }
    }

    /// What is blocked now.
    pub(crate) fn get(&mut self) -> SignalSet {
        if let Some(outside) = &mut self.outside
            && !outside.current
        {
            // A thread that is gone blocks what it blocked.
            if let Ok(mask) = outside.thread.signal_mask() {
                self.known = SignalSet(mask).without(SignalSet::UNBLOCKABLE);
            }
            outside.current = !outside.running;
        }
        self.known
    }

    /// Replaces it. The thread is stopped, or not there yet.
    pub(crate) fn set(&mut self, mask: SignalSet) {
        self.known = mask.without(SignalSet::UNBLOCKABLE);
        if let Some(outside) = &mut self.outside {
            outside.changed = true;
            outside.current = true;
        }
    }

    /// Whether it lets this signal, which is pending, through now. If not, the guest is told to say when it does.
    pub(crate) fn admits(&mut self, signal: Signal) -> bool {
        if self.outside.as_ref().is_some_and(|outside| outside.running) {
            // First told, then looked.
            self.announce();
        }
        let open = !self.get().has(signal);
        if !open {
            self.announce();
        }
        open
    }

    /// A signal is pending that is blocked.
    pub(crate) fn announce(&mut self) {
        if let Some(outside) = self.outside.as_mut().filter(|outside| !outside.announced) {
            outside.announced = outside.thread.set_attention(true).is_ok();
        }
    }

    /// Nothing is pending.
    pub(crate) fn withdraw(&mut self) {
        if let Some(outside) = self.outside.as_mut().filter(|outside| outside.announced) {
            outside.announced = outside.thread.set_attention(false).is_err();
        }
    }

    /// It lies outside from now on, where it has just been put, with nothing announced. The thread is stopped.
    pub(crate) fn move_outside(&mut self, thread: Arc<dyn Thread>) {
        let outside = Outside { thread, running: false, current: true, changed: false, announced: false };
        self.outside = Some(outside);
    }

    /// It lies here again.
    pub(crate) fn come_back(&mut self) {
        self.get();
        self.outside = None;
    }

    /// The thread is about to run.
    pub(crate) fn let_go(&mut self) {
        let known = self.known;
        if let Some(outside) = &mut self.outside {
            if std::mem::take(&mut outside.changed) {
                // A thread that is gone needs none.
                let _ = outside.thread.set_signal_mask(known.0);
            }
            outside.running = true;
            outside.current = false;
        }
    }

    /// The thread has stopped.
    pub(crate) fn hold(&mut self) {
        if let Some(outside) = &mut self.outside {
            outside.running = false;
        }
    }
}

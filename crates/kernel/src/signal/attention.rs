//! How a task is made to look at its signals.
//!
//! The sender makes the signal pending, demands attention, and then either interrupts the guest thread or has the parked call
//! polled. The task marks itself as running, resumes its thread, and then looks whether attention was demanded meanwhile. All four
//! accesses are sequentially consistent, so at least one side sees the other: no demand is lost, at the price of a needless interruption at times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use platform::{Resume, Thread};

use super::TaskSignals;
use crate::Task;

/// See the module.
#[derive(Default)]
pub(crate) struct Attention {
    demanded: AtomicBool,
    running: AtomicBool,
}

impl TaskSignals {
    /// Whether there may be a signal to take.
    pub(crate) fn wants_attention(&self) -> bool {
        self.attention.demanded.load(Ordering::SeqCst)
    }

    /// Under the lock that guards what it shall look at.
    pub(crate) fn demand_attention(&self) {
        self.attention.demanded.store(true, Ordering::SeqCst);
    }

    /// Under the locks of the task's and the group's signals: there is nothing to take.
    pub(crate) fn clear_attention(&self) {
        self.attention.demanded.store(false, Ordering::SeqCst);
    }
}

impl Task {
    /// Has it look at its signals, whatever it is doing: out of guest code, out of a wait, out of a stop.
    pub(crate) fn kick(&self) {
        self.signals.demand_attention();
        if self.signals.attention.running.load(Ordering::SeqCst) {
            if let Some(thread) = self.thread() {
                thread.interrupt();
            }
        } else {
            self.wake();
        }
    }

    /// Its thread has stopped.
    pub(crate) fn mark_stopped(&self) {
        self.signals.attention.running.store(false, Ordering::SeqCst);
        if self.signals.is_outside() {
            self.signals.state.lock().mask.hold();
        }
    }

    fn mark_running(&self) {
        if self.signals.is_outside() {
            self.signals.state.lock().mask.let_go();
        }
        self.signals.attention.running.store(true, Ordering::SeqCst);
    }

    /// Resumes its thread and has it stop again before the guest's next instruction.
    pub(crate) fn resume_and_stop(&self, thread: &Arc<dyn Thread>, how: Resume) {
        self.mark_running();
        thread.interrupt();
        thread.resume(how);
    }

    /// Resumes its thread, which nothing has kept from it.
    pub(crate) fn resume(&self, thread: &Arc<dyn Thread>, how: Resume) {
        self.release(thread, |thread| thread.resume(how));
    }

    /// As [`Self::resume`], in whatever way.
    pub(crate) fn release(&self, thread: &Arc<dyn Thread>, how: impl FnOnce(&dyn Thread)) {
        self.mark_running();
        how(&**thread);
        if self.signals.wants_attention() || self.is_paused() {
            thread.interrupt();
        }
    }

    /// Whether its container is paused, or its control group holds it.
    pub(crate) fn is_paused(&self) -> bool {
        self.is_container_paused() || self.held.any()
    }

    /// Whether its container is paused.
    pub(crate) fn is_container_paused(&self) -> bool {
        self.kernel.freezer.holds(self.group.container.load(Ordering::Relaxed))
    }

    /// Whether its thread may be in guest code.
    pub(crate) fn runs(&self) -> bool {
        self.signals.attention.running.load(Ordering::SeqCst)
    }

    /// Has its thread stop, wherever it is in guest code.
    pub(crate) fn interrupt_thread(&self) {
        if let Some(thread) = self.thread() {
            thread.interrupt();
        }
    }
}

//! What becomes of a system call that a signal cut short: signal(7), "Interruption of system calls and library functions".

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use abi::Errno;
use abi::signal::{ActionFlags, SigAction};

use crate::Task;

/// Whether a handler with this action lets a call that failed so run again afterwards. Otherwise the call fails with `EINTR`.
pub(crate) const fn after_handler(errno: Errno, action: &SigAction) -> bool {
    match errno {
        Errno::ERESTARTNOINTR => true,
        Errno::ERESTARTSYS => action.known_flags().contains(ActionFlags::RESTART),
        _ => false,
    }
}

impl Task {
    /// When a wait with a relative timeout ends. If the call was cut short and runs again, it is the deadline it had the first time:
    /// see [`Self::restart_at`].
    #[must_use]
    pub fn deadline(&self, timeout: Duration) -> Option<Instant> {
        if self.signals.resumed.swap(false, Ordering::Relaxed)
            && let Some(deadline) = self.signals.state.lock().restart_deadline
        {
            return Some(deadline);
        }
        Instant::now().checked_add(timeout)
    }

    /// What a call that was cut short and waits until a deadline fails with, for the same deadline to hold when it runs again: with
    /// `ERESTART_RESTARTBLOCK`, so that it ends with `EINTR` if a handler runs.
    #[must_use]
    pub fn restart_at(&self, deadline: Option<Instant>) -> Errno {
        self.signals.state.lock().restart_deadline = deadline;
        Errno::ERESTART_RESTARTBLOCK
    }
}

/// Prepares a call for being run again without its return to the guest.
pub(crate) fn prepare(task: &Arc<Task>, errno: Errno) {
    let resumed =
        errno == Errno::ERESTART_RESTARTBLOCK && task.signals.state.lock().restart_deadline.is_some();
    task.signals.resumed.store(resumed, Ordering::Relaxed);
}

/// A new call begins: what an earlier one left does not concern it.
pub(crate) fn forget(task: &Arc<Task>) {
    task.signals.resumed.store(false, Ordering::Relaxed);
}

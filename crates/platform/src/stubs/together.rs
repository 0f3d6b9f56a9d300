//! Where a new thread or process starts.
//!
//! The host starts it on an idle processor if there is one, which it first has to wake: 35 us and more on the virtual machines that most sandboxes run on, the child's
//! first ring included. Most parents wait for their children at once (fork and wait, vfork, a thread that is joined), so that their own processor
//! is about to be free. There the child starts, therefore, and may then go anywhere; unless [`super::policy::Births`] has seen that its parent goes on working.

use std::time::Instant;

use rustix::thread::Pid;

use super::calls;
use super::policy::Counters;
use super::thread::StubThread;

/// A parent that is kept where it is, so that its child starts there.
pub(super) struct Together {
    parent: Option<Pid>,
    since: Instant,
}

impl Together {
    /// For a parent that waits for the sentry's order to make a child.
    pub(super) fn of(parent: &StubThread) -> Option<Self> {
        let shared = &parent.process.shared;
        Counters::count(&shared.poller.counters.births);
        // With one processor there is no choice.
        if !shared.polls || !parent.process.births.lock().beside() {
            return None;
        }
        Counters::count(&shared.poller.counters.births_beside);
        let tid = Pid::from_raw(parent.tid)?;
        // The host wakes it where it is answered.
        calls::keep_on(tid, calls::processor());
        Some(Self { parent: Some(tid), since: Instant::now() })
    }

    /// The child sleeps in its first ring.
    pub(super) fn child_reports(mut self, parent: &StubThread, child: i32) {
        calls::may_run_anywhere(Pid::from_raw(child).into_iter().chain(self.parent.take()));
        parent.process.births.lock().reported(self.since.elapsed());
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        // Its child will never report.
        if let Some(parent) = self.parent {
            calls::may_run_anywhere([parent]);
        }
    }
}

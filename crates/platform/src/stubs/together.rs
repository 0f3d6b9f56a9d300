//! Where a new thread or process starts, and where a thread goes on that waits for another's end.
//!
//! The host starts a thread on an idle processor if there is one, and likewise one that is woken. It first has to wake that processor: 35 us and more on the virtual machines that most
//! sandboxes run on. Most parents wait for their children at once (fork and wait, vfork, a thread that is joined), so that their own processor
//! is about to be free. There the child starts, therefore, and may then go anywhere; unless [`super::policy::Births`] has seen that its parent goes on working.
//! A thread's end frees a processor too: who made it, and waits for that end, goes on there.

use std::sync::{Arc, Weak};
use std::time::Instant;

use rustix::thread::Pid;

use super::calls;
use super::policy::{Counters, is_brief};
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
    pub(super) fn child_reports(mut self, parent: &Arc<StubThread>, child: i32) -> Beside {
        calls::may_run_anywhere(Pid::from_raw(child).into_iter().chain(self.parent.take()));
        parent.process.births.lock().reported(self.since.elapsed());
        Beside { maker: Arc::downgrade(parent), since: Instant::now() }
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

/// A thread that was asleep, or about to be, when it had made another.
pub(super) struct Beside {
    maker: Weak<StubThread>,
    since: Instant,
}

/// Lets a thread end (`act`), which wakes who waits for that. If it has run but for a moment, that is who has made it, and has slept since. The host runs a thread where it is answered, at
/// once and in place of who answers, so that its end is over, or nearly, when `act` returns.
pub(super) fn ending(thread: &StubThread, beside: Option<Beside>, act: impl FnOnce()) {
    let maker =
        beside.filter(|beside| is_brief(beside.since.elapsed())).and_then(|beside| beside.maker.upgrade());
    let Some(joiner) = maker.and_then(|maker| Pid::from_raw(maker.tid)) else { return act() };
    Counters::count(&thread.process.shared.poller.counters.ends_beside);
    calls::keep_on(joiner, calls::processor());
    act();
    calls::may_run_anywhere([joiner]);
}

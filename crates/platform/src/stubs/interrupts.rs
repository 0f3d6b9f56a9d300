//! How a thread is brought out of guest code: a signal, in whose handler the stub rings.

use std::time::{Duration, Instant};

use super::calls;
use super::mechanisms::Mechanisms;
use super::phase::{Phase, State};
use super::thread::StubThread;

/// The signal that makes a thread ring between two guest instructions. A standard one: it does not queue.
const INTERRUPT: i32 = libc::SIGURG;

impl StubThread {
    /// Sends the interrupt signal, unless one is on its way.
    pub(super) fn signal(&self, state: &mut State) {
        if !core::mem::replace(&mut state.signalled, true) {
            // A thread that is gone needs none.
            let _ = self.process.alive(|pid| calls::signal_thread(pid, self.tid, INTERRUPT));
        }
    }

    /// Sends the interrupt signal that was asked for while the thread was in the stub, which it is about to leave.
    pub(super) fn pass_on_interrupt(&self, state: &mut State) {
        if core::mem::take(&mut state.interrupt) {
            state.asked = true;
            self.signal_in_call(state);
        }
    }

    /// As [`Self::signal`], for a thread that waits for an answer.
    pub(super) fn signal_in_call(&self, state: &mut State) {
        self.signal(state);
        self.settle(state);
    }

    /// On a host without [`Mechanisms::PROMPT_ANSWERS`]: waits until a thread that the interrupt signal has woken from its wait for an
    /// answer sleeps again, this time so that no signal wakes it. An answer that came between would be lost, and the call
    /// made twice. The thread needs no more than a moment on a processor, whatever the guest does.
    pub(super) fn settle(&self, state: &State) {
        const PATIENCE: Duration = Duration::from_secs(1);
        let shared = &self.process.shared;
        if !state.signalled || shared.mechanisms.contains(Mechanisms::PROMPT_ANSWERS) {
            return;
        }
        let deadline = Instant::now() + PATIENCE;
        let running = |pid| shared.procfs.is_running(&format!("{pid}/task/{}/stat", self.tid));
        while self.process.alive(running) == Ok(true) && Instant::now() < deadline {
            std::thread::yield_now();
        }
    }

    /// As [`crate::Thread::interrupt`].
    pub(super) fn ask_to_stop(&self) {
        let mut state = self.state.lock();
        match state.phase {
            Phase::Running | Phase::CloneReturning { .. } => {
                state.asked = true;
                self.signal(&mut state);
            }
            Phase::Call { .. } => {
                state.asked = true;
                self.signal_in_call(&mut state);
            }
            Phase::Stopped { .. } | Phase::Orders(_) | Phase::Cloning { .. } => state.interrupt = true,
            Phase::Starting | Phase::Parked(_) | Phase::Leaving | Phase::Gone => {}
        }
    }
}

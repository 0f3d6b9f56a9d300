//! Calls that come through a thread's window.

use std::os::fd::AsFd;
use std::sync::Arc;

use abi::Errno;
use parking_lot::MutexGuard;

use super::caller;
use super::calls::{self, Notification};
use super::frame::Shape;
use super::interface::entry;
use super::phase::{Parked, Phase, State, Via};
use super::policy::Counters;
use super::poller;
use super::thread::StubThread;
use super::window::{Window, Word};
use crate::{HandlerStart, Stop};

/// Bytes of the `syscall` instruction.
const SYSCALL_LENGTH: u64 = 2;

impl StubThread {
    /// The thread has become hot. It gets one window in its life.
    pub(super) fn opens_window(&self, id: u64) {
        let runs = matches!(self.state.lock().phase, Phase::Running | Phase::CloneReturning { .. });
        if !runs || self.window.get().is_some() {
            return self.image.refuse(id);
        }
        // Noted before it is there: a fork may come at any time.
        self.process.space.slots.note_window(self.slot);
        let lent = Window::new(self.slot).and_then(|(window, file)| {
            let number = calls::lend(self.image.listener.as_fd(), id, file.as_fd())?;
            // Only this receiver sets it.
            let _ = self.window.set(Arc::new(window));
            Counters::count(&self.process.shared.poller.counters.windows);
            Ok(number)
        });
        self.image.answer(id, lent.unwrap_or_else(Errno::to_return));
    }

    /// The stub rings for the request in its window, and sleeps until it is answered.
    pub(super) fn called_by_ring(&self, n: &Notification) {
        let Some(window) = self.window.get() else { return self.image.refuse(n.id) };
        let shared = &self.process.shared;
        let mut state = self.state.lock();
        let word = window.word();
        if state.taken == word.serial() {
            return self.parks(&mut state, n.id);
        }
        if window.has_poller() {
            // It does not run, or looks elsewhere. It will say when it does again.
            window.set_poller(None, 0);
        }
        Counters::count(&shared.poller.counters.rung);
        self.requested(state, window, word, Via::Rung(n.id));
        if shared.polls {
            let now = shared.uptime();
            let hot = self.heat.lock().call(now);
            shared.poller.missed(self, now, hot);
        }
    }

    /// Whoever polls has found something posted in the window. Returns whether that was still to be done.
    pub(super) fn called_by_poll(&self, window: &Arc<Window>) -> bool {
        let state = self.state.lock();
        // Looked at again: it may have been rung for, and another one come, since it was found.
        let word = window.word();
        if !word.is_posted() || state.taken == word.serial() {
            return false;
        }
        self.requested(state, window, word, Via::Polled);
        true
    }

    /// Takes the request that lies in the window.
    fn requested(&self, mut state: MutexGuard<'_, State>, window: &Arc<Window>, word: Word, via: Via) {
        let args = window.request(word);
        match state.phase {
            Phase::Running | Phase::CloneReturning { .. } => state.taken = word.serial(),
            // A stub posts nothing while it waits for something else.
            _ => return self.process.kill(),
        }
        if self.process.shared.is_plain(args.number) {
            // The gate leaves these to the filter, so that the kernel gets them with registers.
            return self.answer_call(&mut state, via, Errno::EPERM.to_return());
        }
        if state.exit {
            // The interrupt that ends it is on its way.
            return self.answer_call(&mut state, via, Errno::EINTR.to_return());
        }
        state.phase = Phase::Call { via, number: args.number };
        drop(state);
        caller::calling(self, window, word, || self.tell(Stop::Syscall(args)));
    }

    /// Somebody has taken the request for which the stub rings: it sleeps until that is answered.
    fn parks(&self, state: &mut State, id: u64) {
        match state.phase {
            Phase::Call { via: Via::Polled, .. } if state.parked.is_none() => {
                let late = !self.window.get().is_some_and(|window| window.was_told_to_wait(state.taken));
                state.parked = Some(Parked { ring: id, late });
                let counters = &self.process.shared.poller.counters;
                Counters::count(&counters.parked);
                if late {
                    Counters::count(&counters.late);
                }
            }
            Phase::Running | Phase::CloneReturning { .. } => self.image.answer(id, 0),
            _ => self.image.refuse(id),
        }
    }

    /// As [`crate::Thread::takes_handlers`].
    pub(super) fn can_start_handler(&self) -> bool {
        let vector = self.process.shared.shape.get().is_some_and(Shape::has_components);
        vector && self.calls_fast()
    }

    /// As [`crate::Thread::start_handler`].
    pub(super) fn answer_with_handler(&self, start: &HandlerStart) {
        let mut state = self.state.lock();
        let (Phase::Call { via, .. }, Some(window)) = (&state.phase, self.window.get()) else { return };
        let via = *via;
        state.phase = Phase::Running;
        let resume = self.process.likely_address(window.resume());
        let resume = if start.again { resume.wrapping_sub(SYSCALL_LENGTH) } else { resume };
        let again = if start.again { entry::AGAIN } else { 0 };
        let flags = again | if start.alternate { entry::ALTERNATE } else { 0 };
        let mut words = vec![start.handler, start.restorer, resume, flags, start.blocked];
        words.extend(start.stack);
        words.extend(start.fault);
        words.push(start.signal);
        words.extend(start.info);
        self.answer_call_with(&mut state, via, start.value, Some(&words));
    }

    /// Gives a call without registers its result.
    pub(super) fn answer_call(&self, state: &mut State, via: Via, value: u64) {
        self.answer_call_with(state, via, value, None);
    }

    fn answer_call_with(&self, state: &mut State, via: Via, value: u64, entry: Option<&[u64]>) {
        let taken = state.taken;
        let finish = || {
            let written = caller::answered(self);
            match (self.window.get(), entry) {
                (Some(window), Some(entry)) => window.finish_with_handler(taken, value, &written, entry),
                (Some(window), None) => window.finish(taken, value, &written),
                (None, _) => {}
            }
        };
        match via {
            Via::Notified(id) => self.wake((id, value)),
            Via::Rung(id) => {
                finish();
                self.wake((id, 0));
            }
            Via::Polled => {
                finish();
                match state.parked.take() {
                    Some(Parked { ring, late: true }) => {
                        poller::apart(self.tid, || self.image.answer(ring, 0));
                    }
                    // Two threads that wake each other in turn are best off on one processor, the poller's if need be.
                    Some(Parked { ring, late: false }) => self.image.answer(ring, 0),
                    None => {}
                }
            }
        }
    }

    /// As [`crate::Thread::call_waits`].
    pub(super) fn waits(&self) {
        caller::waits(self);
        let state = self.state.lock();
        if let (Phase::Call { via: Via::Polled, .. }, Some(window)) = (&state.phase, self.window.get()) {
            window.waits(state.taken);
        }
    }
}

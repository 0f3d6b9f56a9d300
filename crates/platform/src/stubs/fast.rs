//! Calls that come through a thread's window.

use std::os::fd::AsFd;
use std::sync::Arc;

use abi::Errno;

use super::caller;
use super::calls::{self, Notification};
use super::policy::Counters;
use super::thread::{Phase, State, StubThread, Via};
use super::window::{Request, Window};
use crate::Stop;

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

    /// The stub rings for the request in its window.
    pub(super) fn called_by_ring(&self, n: &Notification) {
        let request = self.window.get().and_then(|window| window.take_rung());
        let Some(request) = request else { return self.image.refuse(n.id) };
        let shared = &self.process.shared;
        Counters::count(&shared.poller.counters.rung);
        if shared.polls {
            let now = shared.uptime();
            let hot = self.heat.lock().call(now);
            shared.poller.missed(self, now, hot);
        }
        self.requested(&request, Via::Rung(n.id));
    }

    /// The poller has found this request.
    pub(super) fn called_by_poll(&self, request: &Request) {
        self.requested(request, Via::Polled);
    }

    /// A request has been taken from the window.
    fn requested(&self, request: &Request, via: Via) {
        {
            let mut state = self.state.lock();
            if self.process.shared.is_plain(request.args.number) {
                // The gate leaves these to the filter, so that the kernel gets them with registers.
                return self.answer_call(&mut state, via, Errno::EPERM.to_return());
            }
            match state.phase {
                Phase::Running | Phase::CloneReturning { .. } if state.exit => {
                    // The interrupt that ends it is on its way.
                    return self.answer_call(&mut state, via, Errno::EINTR.to_return());
                }
                Phase::Running | Phase::CloneReturning { .. } => {
                    state.phase = Phase::Call { via, number: request.args.number }
                }
                // A stub posts nothing while it waits for something else.
                _ => return self.process.kill(),
            }
        }
        if let (Some(thread), Some(window)) = (self.arc(), self.window.get()) {
            caller::calling(&thread, window, request, || self.tell(Stop::Syscall(request.args)));
        }
    }

    /// The stub has waited long enough at its window and now sleeps until it is answered.
    pub(super) fn parks(&self, id: u64) {
        let Some(window) = self.window.get() else { return self.image.refuse(id) };
        let mut state = self.state.lock();
        match state.phase {
            // Whoever found the request may not have come so far as to say so.
            Phase::Running | Phase::CloneReturning { .. } | Phase::Call { via: Via::Polled, .. }
                if window.is_parking() && state.parked.is_none() =>
            {
                state.parked = Some(id);
                Counters::count(&self.process.shared.poller.counters.parked);
            }
            _ if window.is_done() => self.image.answer(id, 0),
            _ => self.image.refuse(id),
        }
    }

    /// Gives a call without registers its result.
    pub(super) fn answer_call(&self, state: &mut State, via: Via, value: u64) {
        let finish = || {
            let pieces = caller::answered(self);
            if let Some(window) = self.window.get() {
                window.finish(value, &pieces);
            }
        };
        match via {
            Via::Notified(id) => self.image.answer(id, value),
            Via::Rung(id) => {
                finish();
                self.image.answer(id, 0);
            }
            Via::Polled => {
                finish();
                if let Some(id) = state.parked.take() {
                    self.image.answer(id, 0);
                }
            }
        }
    }

    /// As [`crate::Thread::call_waits`].
    pub(super) fn waits(&self) {
        caller::waits(self);
        let polled = matches!(self.state.lock().phase, Phase::Call { via: Via::Polled, .. });
        if let (true, Some(window)) = (polled, self.window.get()) {
            window.waits();
        }
    }
}

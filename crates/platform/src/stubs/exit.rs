//! How threads end.
//!
//! The host executes no exit(2) without the sentry's consent, so it knows of each before it happens. The kernel hears
//! [`Stop::Gone`] when consent is given: after that the thread runs no more guest code, and the host only takes things apart. Where
//! several threads end together, or something kills them, it hears when the process has been reaped.

use std::os::fd::AsFd;
use std::sync::Arc;

use abi::{Errno, nr};

use super::batch::Batch;
use super::calls::{self, Direction, Notification};
use super::delivery::deliver_later;
use super::interface::answer;
use super::phase::{Phase, State, Via, Way};
use super::thread::StubThread;
use super::together;
use crate::{Gone, Stop};

impl StubThread {
    /// As [`crate::Thread::exit`].
    pub(super) fn end(&self, wake: Vec<u64>) {
        let mut state = self.state.lock();
        state.last_wakes = wake;
        match state.phase {
            Phase::Call { via: Via::Notified(id), number: nr::exit } => self.leave(&mut state, Way::Call(id)),
            Phase::Call { via: Via::Notified(id), number: nr::exit_group } if self.is_alone() => {
                self.leave(&mut state, Way::Call(id))
            }
            Phase::Call { via, .. } => self.end_with_context(&mut state, via),
            Phase::Stopped { id } => self.leave(&mut state, Way::Ring(id)),
            Phase::Running | Phase::CloneReturning { .. } => {
                state.exit = true;
                self.signal(&mut state);
            }
            Phase::Orders(_) | Phase::Cloning { .. } => state.exit = true,
            Phase::Starting | Phase::Parked(_) | Phase::Leaving | Phase::Gone => {}
        }
    }

    fn is_alone(&self) -> bool {
        self.process.threads.lock().present.len() <= 1
    }

    /// Has a thread that waits in a call come back by the interrupt signal, to end then.
    fn end_with_context(&self, state: &mut State, via: Via) {
        state.exit = true;
        self.signal_in_call(state);
        state.phase = Phase::Running;
        self.answer_call(state, via, Errno::EINTR.to_return());
    }

    /// Ends a stopped thread, the right way for its place in the process.
    pub(super) fn leave(&self, state: &mut State, way: Way) {
        let Some(myself) = self.arc() else { return };
        if !state.last_wakes.is_empty() {
            return self.wake_first(state, way);
        }
        let mut threads = self.process.threads.lock();
        let alone = threads.present.len() <= 1;
        if !alone && self.is_main() {
            if state.clear_child_tid != 0 {
                drop(threads);
                return self.clear_child_tid(state, way);
            }
            threads.present.retain(|thread| !Arc::ptr_eq(thread, &myself));
            threads.parked = Some(Arc::clone(&myself));
            state.phase = Phase::Parked(way);
            return deliver_later(&myself, Stop::Gone(Gone { last: false, signal: None }));
        }
        state.phase = Phase::Leaving;
        let main = if alone { threads.parked.take() } else { None };
        let in_call = matches!(way, Way::Call(_));
        if let Some(main) = main {
            main.release();
        } else if !alone || in_call {
            threads.present.retain(|thread| !Arc::ptr_eq(thread, &myself));
            self.process.space.slots.leave(self.process.pid, self.tid, self.slot);
            deliver_later(&myself, Stop::Gone(Gone { last: alone, signal: None }));
        }
        drop(threads);
        if in_call {
            self.image.unbind(self);
        }
        together::ending(self, state.beside.take(), || self.send_away(way));
    }

    /// Lets a process end that is in exit_group(2). A single thread is as good as gone then: its parent need not wait until the host has
    /// taken the memory apart.
    pub(super) fn leave_together(&self, state: &mut State, id: u64) {
        let alone = {
            let threads = self.process.threads.lock();
            threads.present.len() <= 1 && threads.parked.is_none()
        };
        if alone {
            return self.leave(state, Way::Call(id));
        }
        state.phase = Phase::Leaving;
        self.send_away(Way::Call(id));
    }

    /// Gives the word.
    fn send_away(&self, way: Way) {
        match way {
            Way::Call(id) => {
                let _ = calls::let_through(self.image.listener.as_fd(), id);
            }
            Way::Ring(id) => self.image.answer(id, answer::COMMAND | answer::EXIT),
        }
    }

    /// Lets a parked main thread end.
    fn release(&self) {
        let mut state = self.state.lock();
        if let Phase::Parked(way) = state.phase {
            state.phase = Phase::Leaving;
            self.send_away(way);
        }
    }

    /// Wakes who waits for what the thread held.
    fn wake_first(&self, state: &mut State, way: Way) {
        match way {
            Way::Call(id) => self.end_with_context(state, Via::Notified(id)),
            Way::Ring(id) => {
                let addresses = core::mem::take(&mut state.last_wakes);
                self.advance(state, id, Batch::last_wakes(&addresses));
            }
        }
    }

    /// Does for a main thread that must stay what the host would do at its end.
    fn clear_child_tid(&self, state: &mut State, way: Way) {
        match way {
            Way::Call(id) => self.end_with_context(state, Via::Notified(id)),
            Way::Ring(id) => {
                let address = core::mem::take(&mut state.clear_child_tid);
                // As the host does: an address that cannot be written is nobody's concern.
                let _ = self.process.transfer(Direction::Write(&[0; 4]), &[(address, 4)]);
                self.advance(state, id, Batch::last_wakes(&[address]));
            }
        }
    }

    /// An exit(2) from the stub's text.
    pub(super) fn consent_to_exit(&self, n: &Notification) {
        let leaving = matches!(self.state.lock().phase, Phase::Leaving);
        if !leaving {
            return self.image.refuse(n.id);
        }
        if !self.process.threads.lock().present.iter().any(|thread| core::ptr::eq(Arc::as_ptr(thread), self))
        {
            self.image.unbind(self);
        }
        let _ = calls::let_through(self.image.listener.as_fd(), n.id);
    }
}

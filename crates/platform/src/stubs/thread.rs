//! One guest thread, and where it is between the guest's code and the kernel's answer.

use std::sync::{Arc, OnceLock, Weak};

use abi::{Errno, nr};
use parking_lot::Mutex;

use super::batch::Batch;
use super::delivery::{self, deliver_later};
use super::frame::Frame;
use super::image::Image;
use super::interface::answer;
use super::phase::{Phase, State, Via};
use super::policy::Heat;
use super::process::Process;
use super::window::Window;
use crate::{Gone, Observer, Resume, Stop};

const ENOSYS: u64 = Errno::ENOSYS.to_return();

/// Whether the kernel hears of a thread.
enum Post {
    /// Not yet: it has not been given the thread. If the thread is gone already, that is kept.
    Waiting(Option<Gone>),
    /// Yes.
    Open(Arc<dyn Observer>),
    /// It has had the last stop, or will never be given the thread.
    Closed,
}

/// A guest thread on its host thread.
pub(super) struct StubThread {
    myself: Weak<Self>,
    pub(super) image: Arc<Image>,
    pub(super) process: Arc<Process>,
    /// The host's thread id.
    pub(super) tid: i32,
    pub(super) slot: u64,
    pub(super) state: Mutex<State>,
    /// The memory that it shares with the sentry, once it has become hot.
    pub(super) window: OnceLock<Arc<Window>>,
    /// Whether somebody should poll that.
    pub(super) heat: Mutex<Heat>,
    /// Who receives the stops. Held while one is delivered.
    post: Mutex<Post>,
}

impl core::fmt::Debug for StubThread {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "StubThread({})", self.tid)
    }
}

impl StubThread {
    pub(super) fn new(
        image: Arc<Image>,
        process: Arc<Process>,
        tid: i32,
        slot: u64,
        phase: Phase,
        frame: Frame,
    ) -> Arc<Self> {
        let state = State {
            phase,
            frame,
            signalled: false,
            interrupt: false,
            asked: false,
            switch: false,
            trapped: None,
            exit: false,
            taken: 0,
            parked: None,
            clear_child_tid: 0,
            beside: None,
            last_wakes: Vec::new(),
        };
        Arc::new_cyclic(|myself| Self {
            myself: myself.clone(),
            image,
            process,
            tid,
            slot,
            state: Mutex::new(state),
            window: OnceLock::new(),
            heat: Mutex::default(),
            post: Mutex::new(Post::Waiting(None)),
        })
    }

    pub(super) fn arc(&self) -> Option<Arc<Self>> {
        self.myself.upgrade()
    }

    /// Names the observer, as the thread is about to be given to the kernel. If it is gone already the observer will hear.
    pub(super) fn announce(&self, observer: Arc<dyn Observer>) {
        let before = core::mem::replace(&mut *self.post.lock(), Post::Open(observer));
        if let (Post::Waiting(Some(gone)), Some(thread)) = (before, self.arc()) {
            deliver_later(&thread, Stop::Gone(gone));
        }
    }

    /// Whether the kernel has been given the thread.
    pub(super) fn is_announced(&self) -> bool {
        matches!(*self.post.lock(), Post::Open(_))
    }

    /// The kernel will not be given the thread after all: it is killed, and nobody hears.
    pub(super) fn disown(&self) {
        *self.post.lock() = Post::Closed;
        self.process.kill();
    }

    /// Gives the observer a stop, and none after the last. Returns whether there was an observer.
    pub(super) fn deliver(&self, stop: Stop) -> bool {
        let mut post = self.post.lock();
        let observer = match (&mut *post, &stop) {
            (Post::Open(observer), _) => Arc::clone(observer),
            (Post::Waiting(missed), Stop::Gone(gone)) => {
                *missed = Some(*gone);
                return false;
            }
            _ => return false,
        };
        if matches!(stop, Stop::Gone(_)) {
            *post = Post::Closed;
        }
        self.woken_after(|| {
            delivery::observed(|| observer.stopped(stop));
            drop(post);
        });
        delivery::observed(|| observer.afterwards());
        true
    }

    /// [`Self::deliver`], whether or not there is an observer.
    pub(super) fn tell(&self, stop: Stop) {
        self.deliver(stop);
    }

    /// Whether it has not become ready.
    pub(super) fn is_starting(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Starting)
    }

    pub(super) fn is_main(&self) -> bool {
        self.tid == self.process.pid
    }

    /// As [`crate::Thread::resume`].
    pub(super) fn go_on(&self, how: Resume) {
        let mut state = self.state.lock();
        match (&state.phase, how) {
            (&Phase::Call { via, .. }, Resume::Return(value)) => {
                state.phase = Phase::Running;
                self.answer_call(&mut state, via, value);
            }
            (&Phase::Call { via, number }, how) => {
                tracing::error!(
                    number,
                    ?how,
                    "a call without registers was answered with registers or orders"
                );
                state.phase = Phase::Running;
                self.answer_call(&mut state, via, Errno::EIO.to_return());
            }
            (&Phase::Stopped { id }, Resume::Return(value)) => self.leave_stub(&mut state, id, Some(value)),
            (&Phase::Stopped { id }, Resume::Context) => self.leave_stub(&mut state, id, None),
            (&Phase::Stopped { id }, Resume::ReturnOrders(orders)) => {
                state.note_clear_child_tid(&orders);
                let batch = Batch::new(orders, true, &self.process);
                self.advance(&mut state, id, batch);
            }
            _ => {}
        }
    }

    /// Does what may wake it, and wakes it then.
    pub(super) fn woken_after(&self, act: impl FnOnce()) {
        if let Some((id, value)) = delivery::holding_back(self, act) {
            self.image.answer(id, value);
        }
    }

    /// Answers its notification, which lets it run: at once, or at the end of [`Self::woken_after`].
    pub(super) fn wake(&self, answer: delivery::Answer) {
        if let Some((id, value)) = delivery::hold(self, answer) {
            self.image.answer(id, value);
        }
    }

    /// Lets a thread in the stub go back to guest code, with this value in `rax` if there is one.
    pub(super) fn leave_stub(&self, state: &mut State, id: u64, result: Option<u64>) {
        self.pass_on_interrupt(state);
        state.phase = Phase::Running;
        // Values that the stub would take for something else go through memory.
        let plain = |value: u64| value & !answer::COMMAND_BITS != answer::COMMAND && value != ENOSYS;
        match result {
            Some(value) if plain(value) && !state.frame.is_changed() => self.wake((id, value)),
            result => match state.frame.write_back(&self.process, result, &[]) {
                Ok(bits) => self.wake((id, answer::COMMAND | bits)),
                Err(_) => self.process.kill(),
            },
        }
    }

    /// As [`crate::Thread::kill_process`].
    pub(super) fn kill_all(&self) {
        let threads = self.process.threads.lock().present.clone();
        for thread in &threads {
            // A process in exit_group(2) ends by itself, which is cheaper than a kill.
            let mut state = thread.state.lock();
            if let Phase::Call { via: Via::Notified(id), number: nr::exit_group } = state.phase {
                return thread.leave_together(&mut state, id);
            }
        }
        self.process.kill();
    }

    /// The thread is gone with its process.
    pub(super) fn died(&self, gone: Gone) {
        self.image.unbind(self);
        let phase = core::mem::replace(&mut self.state.lock().phase, Phase::Gone);
        self.process.space.slots.give_back(self.slot);
        if let Phase::Cloning { child: Some(child), .. } = phase {
            // Nobody will ever hear of it.
            child.0.disown();
        }
        self.image.abandon_clones(|pending| pending.dies_with(self));
        self.tell(Stop::Gone(gone));
    }
}

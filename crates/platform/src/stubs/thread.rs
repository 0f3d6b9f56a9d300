//! One guest thread, and where it is between the guest's code and the kernel's answer.

use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use abi::{Errno, nr};
use parking_lot::Mutex;

use super::batch::Batch;
use super::calls::{self, Notification};
use super::delivery::{self, deliver_later};
use super::frame::{Frame, Shape};
use super::image::Image;
use super::interface::{NOTICED_TRAPS, answer, reason};
use super::mechanisms::Mechanisms;
use super::policy::Heat;
use super::process::Process;
use super::window::Window;
use crate::{Fault, Gone, Observer, Order, Resume, Stop, SyscallArgs};

/// The signal that makes a thread ring between two guest instructions. A standard one: it does not queue.
const INTERRUPT: i32 = libc::SIGURG;
const ENOSYS: u64 = Errno::ENOSYS.to_return();

/// Where a thread is.
#[derive(Debug)]
pub(super) enum Phase {
    /// On its way from the zygote.
    Starting,
    /// In guest code, or in a call that the host carries out.
    Running,
    /// In a system call without registers.
    Call { via: Via, number: u64 },
    /// In a ring: stopped with context.
    Stopped { id: u64 },
    /// Carrying out orders.
    Orders(Box<Batch>),
    /// Making a child, then it rings. The child and the ring come in either order.
    Cloning { token: u64, child: Option<Child>, ring: Option<u64> },
    /// Making a child, then it goes on by itself.
    CloneReturning { token: u64 },
    /// A main thread that has ended for the kernel and waits for the others.
    Parked(Way),
    /// Told to end.
    Leaving,
    /// Gone.
    Gone,
}

/// How a call without registers has come, and how its result gets back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Via {
    /// By a notification with this id.
    Notified(u64),
    /// Through the window, for which the stub has rung with this id.
    Rung(u64),
    /// Through the window, where it was found.
    Polled,
}

/// A child that has reported, and who will observe it.
pub(super) struct Child(pub(super) Arc<StubThread>, pub(super) Arc<dyn Observer>);

impl core::fmt::Debug for Child {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// How a thread that is to end waits for the word.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// In its own call of exit(2).
    Call(u64),
    /// In a ring.
    Ring(u64),
}

pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) frame: Frame,
    /// The interrupt signal is on its way and has not rung yet.
    pub(super) signalled: bool,
    /// An interrupt was asked for while the thread was in the stub: it is sent when the thread goes on.
    pub(super) interrupt: bool,
    /// The kernel is to hear of the interrupt signal that is on its way.
    pub(super) asked: bool,
    /// The interrupt signal is on its way so that the process gets patched pages.
    pub(super) switch: bool,
    /// A trap that the kernel has not heard of, because the process gets patched pages first.
    pub(super) trapped: Option<SyscallArgs>,
    /// The thread ends as soon as it is stopped with context.
    pub(super) exit: bool,
    /// The serial number of the last request that was taken from its window.
    pub(super) taken: u64,
    /// The ring with which the stub waits for the answer to a request that was found in its window, once it has waited long enough.
    pub(super) parked: Option<u64>,
    /// What the host clears when the thread ends, as far as the platform was told.
    pub(super) clear_child_tid: u64,
    /// Futexes of which a waiter is woken before the thread ends.
    pub(super) last_wakes: Vec<u64>,
}

impl State {
    /// Notes what the host will clear when the thread ends.
    pub(super) fn note_clear_child_tid(&mut self, orders: &[Order]) {
        let set = orders.iter().rev().find_map(|order| match order {
            Order::SetClearChildTid { address } => Some(*address),
            _ => None,
        });
        self.clear_child_tid = set.unwrap_or(self.clear_child_tid);
    }
}

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
        delivery::observed(|| observer.stopped(stop));
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

    /// A system call of the guest's that came as a notification.
    pub(super) fn called(&self, n: &Notification) {
        let ip = self.process.likely_address(n.ip);
        let args = SyscallArgs { number: u64::from(n.number), args: n.args, ip };
        let switch = self.notice(ip, n.number);
        {
            let mut state = self.state.lock();
            match state.phase {
                Phase::Gone | Phase::Leaving | Phase::Parked(_) => return self.image.kill_rogue(n),
                // The interrupt that ends it is on its way.
                _ if state.exit => {
                    state.phase = Phase::Running;
                    return self.image.answer(n.id, Errno::EINTR.to_return());
                }
                // It has posted a request besides, which no stub does.
                Phase::Call { via: Via::Rung(_) | Via::Polled, .. } => return self.image.kill_rogue(n),
                _ => {
                    self.settle(&state);
                    state.phase = Phase::Call { via: Via::Notified(n.id), number: args.number };
                    if switch {
                        state.switch = true;
                        self.signal_in_call(&mut state);
                    }
                }
            }
        }
        self.tell(Stop::Syscall(args));
    }

    /// A ring.
    pub(super) fn rang(&self, why: u64, n: &Notification) {
        let [at, first, second, third, fourth, _] = n.args;
        match why {
            reason::FRESH => self.fresh(n.id),
            reason::HELLO => self.ready(n.id, at),
            reason::FAULT if self.stop_with_context(n.id, None) => {
                self.faulted(fault(first, second, third, fourth));
            }
            reason::INTERRUPTED => self.interrupted(n.id),
            reason::FAULT => {}
            reason::PERFORMED => self.performed(n),
            reason::CLONED => self.cloned(n.id, first),
            reason::CALL => self.called_by_ring(n),
            reason::WINDOW => self.opens_window(n.id),
            _ => self.image.refuse(n.id),
        }
    }

    /// A ring for a system call that needs registers.
    pub(super) fn trapped(&self, n: &Notification, number: u64) {
        let [.., last] = n.args;
        // Only mmap(2) has six arguments among the calls that come this way.
        let (args, stack_pointer) = if number == nr::mmap { (n.args, None) } else { (n.args, Some(last)) };
        if !self.stop_with_context(n.id, stack_pointer) {
            return;
        }
        let call = SyscallArgs { number, args, ip: 0 };
        if NOTICED_TRAPS.contains(&number) {
            let [.., at, _] = args;
            let switch = u32::try_from(number).is_ok_and(|n| self.notice(self.process.likely_address(at), n));
            let mut state = self.state.lock();
            if switch && let Some((switch, orders)) = self.plan_switch(&mut state) {
                state.trapped = Some(call);
                return self.advance(&mut state, n.id, Batch::switch(orders, switch));
            }
        }
        self.tell(Stop::Trap(call));
    }

    /// The interrupt signal has found guest code: somebody wants to look, or the platform has something to do.
    fn interrupted(&self, id: u64) {
        // Without a signal on its way the gate has rung for itself: the mask has changed while a signal waits.
        let sent = core::mem::take(&mut self.state.lock().signalled);
        if !self.stop_with_context(id, None) {
            return;
        }
        {
            let mut state = self.state.lock();
            if core::mem::take(&mut state.switch)
                && let Some((switch, orders)) = self.plan_switch(&mut state)
            {
                return self.advance(&mut state, id, Batch::switch(orders, switch));
            }
            if !core::mem::take(&mut state.asked) && sent {
                return self.leave_stub(&mut state, id, None);
            }
        }
        self.tell(Stop::Interrupted);
    }

    /// A new stub can be fetched from.
    fn fresh(&self, id: u64) {
        match self.state.lock().phase {
            Phase::Starting => self.image.answer(id, 0),
            _ => self.image.refuse(id),
        }
    }

    /// A new stub from the zygote is ready.
    fn ready(&self, id: u64, at: u64) {
        let mut state = self.state.lock();
        if !matches!(state.phase, Phase::Starting) {
            return self.image.refuse(id);
        }
        let shape = match self.process.shared.shape.get() {
            Some(shape) => *shape,
            None => match Shape::of_frame(&self.process, at) {
                Ok(shape) => *self.process.shared.shape.get_or_init(|| shape),
                // It is dying.
                Err(_) => return,
            },
        };
        state.phase = Phase::Stopped { id };
        state.frame = Frame::cleared(at, self.process.space.slots.mailbox(self.slot), shape);
        drop(state);
        if let Some(thread) = self.arc() {
            self.process.shared.ready(thread);
        }
    }

    /// Takes note of a ring from guest code. Returns whether the kernel is to hear of it.
    fn stop_with_context(&self, id: u64, stack_pointer: Option<u64>) -> bool {
        let mut state = self.state.lock();
        self.settle(&state);
        if !matches!(state.phase, Phase::Running | Phase::CloneReturning { .. }) {
            self.image.refuse(id);
            return false;
        }
        state.phase = Phase::Stopped { id };
        state.frame.renew(stack_pointer);
        if core::mem::take(&mut state.exit) {
            self.leave(&mut state, Way::Ring(id));
            return false;
        }
        true
    }

    fn faulted(&self, fault: Fault) {
        let mut fault = fault;
        {
            let mut state = self.state.lock();
            let Phase::Stopped { id } = state.phase else { return };
            if fault.signal == libc::SIGILL && self.repair(&mut state) {
                return self.leave_stub(&mut state, id, None);
            }
            // Faults of the instruction itself name its address.
            if matches!(fault.signal, libc::SIGILL | libc::SIGFPE | libc::SIGTRAP) {
                fault.address = self.process.original_address(fault.address);
            }
        }
        self.tell(Stop::Fault(fault));
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

    /// Lets a thread in the stub go back to guest code, with this value in `rax` if there is one.
    pub(super) fn leave_stub(&self, state: &mut State, id: u64, result: Option<u64>) {
        self.pass_on_interrupt(state);
        state.phase = Phase::Running;
        // Values that the stub would take for something else go through memory.
        let plain = |value: u64| value & !answer::COMMAND_BITS != answer::COMMAND && value != ENOSYS;
        match result {
            Some(value) if plain(value) && !state.frame.is_changed() => self.image.answer(id, value),
            result => match state.frame.write_back(&self.process, result, &[]) {
                Ok(bits) => self.image.answer(id, answer::COMMAND | bits),
                Err(_) => self.process.kill(),
            },
        }
    }

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
    fn settle(&self, state: &State) {
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

/// The words of a fault's ring.
fn fault(what: u64, address: u64, trap: u64, error: u64) -> Fault {
    let [a, b, c, d, e, f, g, h] = what.to_le_bytes();
    Fault {
        signal: i32::from_le_bytes([a, b, c, d]),
        code: i32::from_le_bytes([e, f, g, h]),
        address,
        trap,
        error,
    }
}

//! What a thread's notifications mean: its system calls, and the rings of the stub.

use abi::{Errno, nr};

use super::batch::Batch;
use super::calls::Notification;
use super::frame::{Frame, Shape};
use super::interface::{is_noticed, reason};
use super::phase::{Phase, Via, Way};
use super::thread::StubThread;
use crate::{Fault, Stop, SyscallArgs};

impl StubThread {
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
        if is_noticed(number) {
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

//! Where a thread is between guest code and the kernel's answer, and what is noted for the moments to come.

use std::sync::Arc;

use super::batch::Batch;
use super::frame::Frame;
use super::thread::StubThread;
use super::together::Beside;
use crate::{Observer, Order, SyscallArgs};

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

/// A call that a poller has found, and whose thread sleeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parked {
    /// The ring with which it waits.
    pub(super) ring: u64,
    /// It does not wait for anything, but was not answered in time: its next call will come at once.
    pub(super) late: bool,
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
    pub(super) parked: Option<Parked>,
    /// What the host clears when the thread ends, as far as the platform was told.
    pub(super) clear_child_tid: u64,
    /// Who has made it, on this processor, and may wait for its end.
    pub(super) beside: Option<Beside>,
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

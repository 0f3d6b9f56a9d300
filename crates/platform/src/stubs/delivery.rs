//! How stops get to observers: never from within a call that the kernel makes, and nothing after [`Stop::Gone`].
//!
//! A stop that a call of the kernel's causes at once (the end of a thread, orders that need no host call) waits until the
//! receiver thread that runs the kernel is back, or, from any other thread, goes through the courier thread.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, mpsc};

use host::duty::Duty;
use parking_lot::Mutex;

use super::thread::StubThread;
use crate::Stop;

/// A stop and whose it is.
pub(super) type Parcel = (Arc<StubThread>, Stop);

thread_local! {
    /// Whether a stop is being delivered on this thread, by [`receiving`].
    static RECEIVES: Cell<bool> = const { Cell::new(false) };
    /// What is to be delivered after it.
    static AFTERWARDS: RefCell<VecDeque<Parcel>> = const { RefCell::new(VecDeque::new()) };
}

thread_local! {
    /// Whether an observer is at work on this thread.
    static OBSERVED: Cell<bool> = const { Cell::new(false) };
}

/// Runs what an observer does about a stop.
pub(super) fn observed(act: impl FnOnce()) {
    let outer = OBSERVED.replace(true);
    act();
    OBSERVED.set(outer);
}

/// Whether it is an observer that calls.
pub(super) fn is_observed() -> bool {
    OBSERVED.get()
}

thread_local! {
    /// The thread for which something is being done here, and what it has been answered meanwhile.
    static HELD: Cell<Option<Held>> = const { Cell::new(None) };
}

/// An answer, and the notification that it is for.
pub(super) type Answer = (u64, u64);

#[derive(Clone, Copy)]
struct Held {
    thread: *const StubThread,
    answer: Option<Answer>,
}

/// Does something for this thread under locks, and keeps its answer back until then. The host runs an answered thread at once, in place of the one that answers
/// (`SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`): whoever found its next call, on another processor, would wait for the locks that are still held here.
pub(super) fn holding_back(thread: &StubThread, act: impl FnOnce()) -> Option<Answer> {
    let outer = HELD.replace(Some(Held { thread, answer: None }));
    act();
    HELD.replace(outer).and_then(|held| held.answer)
}

/// Keeps an answer if it is for the thread of the innermost [`holding_back`]. Returns it otherwise.
pub(super) fn hold(thread: &StubThread, answer: Answer) -> Option<Answer> {
    match HELD.get() {
        Some(held) if core::ptr::eq(held.thread, thread) => {
            HELD.set(Some(Held { answer: Some(answer), ..held }));
            held.answer
        }
        _ => Some(answer),
    }
}

/// Delivers a stop once the kernel has returned.
pub(super) fn deliver_later(thread: &Arc<StubThread>, stop: Stop) {
    let parcel = (Arc::clone(thread), stop);
    if RECEIVES.get() {
        AFTERWARDS.with_borrow_mut(|queue| queue.push_back(parcel));
    } else {
        thread.process.shared.send(parcel);
    }
}

/// Runs `act`, which delivers stops, then what it has caused.
pub(super) fn receiving(act: impl FnOnce()) {
    RECEIVES.set(true);
    act();
    while let Some((thread, stop)) = AFTERWARDS.with_borrow_mut(VecDeque::pop_front) {
        thread.tell(stop);
    }
    RECEIVES.set(false);
}

/// The courier thread's work.
pub(super) fn courier(parcels: mpsc::Receiver<Parcel>) -> Duty {
    let parcels = Mutex::new(parcels);
    Arc::new(move || {
        let parcel = parcels.lock().recv();
        let Ok((thread, stop)) = parcel else { return ControlFlow::Break(()) };
        receiving(|| thread.tell(stop));
        ControlFlow::Continue(())
    })
}

//! Readiness: what poll(2) reports, and who wants to hear of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

bitflags::bitflags! {
    /// Readiness of a file, with the bits of poll(2) and epoll(7).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Events: u32 {
        /// There is data to read.
        const IN = 0x001;
        /// There is exceptional data.
        const PRI = 0x002;
        /// Writing is possible.
        const OUT = 0x004;
        /// An error condition.
        const ERR = 0x008;
        /// Hang up.
        const HUP = 0x010;
        /// The descriptor is not open (poll only).
        const NVAL = 0x020;
        /// Same as `IN`.
        const RDNORM = 0x040;
        /// Out-of-band data.
        const RDBAND = 0x080;
        /// Same as `OUT`.
        const WRNORM = 0x100;
        /// Priority data may be written.
        const WRBAND = 0x200;
        /// Unused in Linux.
        const MSG = 0x400;
        /// The peer closed its writing half.
        const RDHUP = 0x2000;
    }
}

impl Events {
    /// What a file that never blocks reports.
    pub const ALWAYS: Self = Self::IN.union(Self::OUT).union(Self::RDNORM).union(Self::WRNORM);
}

/// Something that wants to hear of readiness: a parked system call, an epoll instance, an asynchronous I/O owner.
pub trait Listener: Send + Sync {
    /// One or more of the events it registered for may have come. Called with the queue's lock released. Must not block; spurious calls are fine.
    fn notify(&self, events: Events);
}

/// The listeners of one file (or of anything else that one can wait for).
#[derive(Default)]
pub struct WaitQueue {
    entries: Mutex<Vec<Entry>>,
    next: AtomicU64,
}

struct Entry {
    id: u64,
    interest: Events,
    listener: Arc<dyn Listener>,
}

impl WaitQueue {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Adds a listener until the registration is dropped. `ERR` and `HUP` are always of interest.
    ///
    /// Register first and try afterwards, or a wake-up between the two is lost.
    #[must_use]
    pub fn register(self: &Arc<Self>, interest: Events, listener: Arc<dyn Listener>) -> Registration {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let interest = interest | Events::ERR | Events::HUP;
        self.entries.lock().push(Entry { id, interest, listener });
        Registration { queue: Arc::clone(self), id }
    }

    /// Tells the listeners that these events may have come.
    pub fn notify(&self, events: Events) {
        let listeners: Vec<Arc<dyn Listener>> = {
            let entries = self.entries.lock();
            entries
                .iter()
                .filter(|e| e.interest.intersects(events))
                .map(|e| Arc::clone(&e.listener))
                .collect()
        };
        for listener in listeners {
            listener.notify(events);
        }
    }

    /// Whether anybody listens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.lock().is_empty()
    }
}

/// Keeps a listener in its queue; dropping it takes the listener out.
pub struct Registration {
    queue: Arc<WaitQueue>,
    id: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut entries = self.queue.entries.lock();
        if let Some(at) = entries.iter().position(|e| e.id == self.id) {
            let entry = entries.swap_remove(at);
            drop(entries);
            drop(entry);
        }
    }
}

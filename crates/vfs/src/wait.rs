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

    /// As [`Self::notify`] for an exclusive registration: whether somebody will come for the events, so that no other exclusive
    /// listener needs to hear of them.
    fn notify_exclusively(&self, events: Events) -> bool {
        self.notify(events);
        true
    }
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
    exclusive: bool,
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
        self.add(interest, listener, false)
    }

    /// As [`Self::register`], but of all such listeners only the first hears of an event that will come for it (`EPOLLEXCLUSIVE`).
    #[must_use]
    pub fn register_exclusively(
        self: &Arc<Self>,
        interest: Events,
        listener: Arc<dyn Listener>,
    ) -> Registration {
        self.add(interest, listener, true)
    }

    fn add(self: &Arc<Self>, interest: Events, listener: Arc<dyn Listener>, exclusive: bool) -> Registration {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let interest = interest | Events::ERR | Events::HUP;
        self.entries.lock().push(Entry { id, interest, listener, exclusive });
        Registration { queue: Arc::clone(self), id }
    }

    /// Tells the listeners that these events may have come.
    pub fn notify(&self, events: Events) {
        let listeners: Vec<(Arc<dyn Listener>, bool)> = {
            let entries = self.entries.lock();
            entries
                .iter()
                .filter(|e| e.interest.intersects(events))
                .map(|e| (Arc::clone(&e.listener), e.exclusive))
                .collect()
        };
        let mut taken = false;
        for (listener, exclusive) in listeners {
            if !exclusive {
                listener.notify(events);
            } else if !taken {
                taken = listener.notify_exclusively(events);
            }
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
            // The others keep their order: exclusive events go to who has waited longest.
            let entry = entries.remove(at);
            drop(entries);
            drop(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    struct Count(AtomicUsize, bool);

    impl Listener for Count {
        fn notify(&self, _: Events) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn notify_exclusively(&self, events: Events) -> bool {
            self.notify(events);
            self.1
        }
    }

    #[test]
    fn an_exclusive_event_goes_to_the_first_who_comes_for_it_and_to_all_others() {
        let queue = WaitQueue::new();
        let listeners = [false, true, true].map(|comes| Arc::new(Count(AtomicUsize::new(0), comes)));
        let plain = Arc::new(Count(AtomicUsize::new(0), true));
        let mut all: Vec<_> =
            listeners.iter().map(|l| queue.register_exclusively(Events::IN, Arc::clone(l) as _)).collect();
        all.push(queue.register(Events::IN, Arc::clone(&plain) as _));
        queue.notify(Events::IN);
        let counts = || listeners.each_ref().map(|l| l.0.load(Ordering::Relaxed));
        assert_eq!((counts(), plain.0.load(Ordering::Relaxed)), ([1, 1, 0], 1));
        drop(all.remove(1));
        queue.notify(Events::IN);
        assert_eq!(counts(), [2, 1, 1]);
    }
}

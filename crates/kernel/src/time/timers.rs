//! Timers: who wants to be woken when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use vfs::{Events, Listener};

use crate::executor;

/// The sandbox's timers, served by one thread that sleeps until the earliest.
#[derive(Default)]
pub struct Timers {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    entries: BTreeMap<(Instant, u64), Arc<dyn Listener>>,
    next: u64,
    running: bool,
}

impl Timers {
    /// Has the listener notified (with `IN`) at the deadline, or right away if that has passed, unless the registration is dropped before.
    #[must_use]
    pub fn add(self: &Arc<Self>, deadline: Instant, listener: Arc<dyn Listener>) -> Timer {
        let mut queue = self.queue.lock();
        let key = (deadline, queue.next);
        queue.next = queue.next.wrapping_add(1);
        let earliest = queue.entries.first_key_value().is_none_or(|(first, _)| key < *first);
        queue.entries.insert(key, listener);
        if !queue.running {
            queue.running = true;
            let timers = Arc::clone(self);
            if let Err(error) =
                std::thread::Builder::new().name(String::from("timers")).spawn(move || timers.serve())
            {
                tracing::error!(%error, "no thread for timers");
            }
        } else if earliest {
            self.changed.notify_one();
        }
        Timer { timers: Arc::clone(self), key }
    }

    fn serve(&self) {
        let mut queue = self.queue.lock();
        loop {
            let Some(((deadline, _), _)) = queue.entries.first_key_value() else {
                self.changed.wait(&mut queue);
                continue;
            };
            let deadline = *deadline;
            if deadline > Instant::now() {
                self.changed.wait_until(&mut queue, deadline);
                continue;
            }
            let Some((_, listener)) = queue.entries.pop_first() else { continue };
            drop(queue);
            executor::turn(|| listener.notify(Events::IN));
            drop(listener);
            queue = self.queue.lock();
        }
    }
}

/// Keeps a timer set; dropping it cancels it.
pub struct Timer {
    timers: Arc<Timers>,
    key: (Instant, u64),
}

impl Drop for Timer {
    fn drop(&mut self) {
        let entry = self.timers.queue.lock().entries.remove(&self.key);
        drop(entry);
    }
}

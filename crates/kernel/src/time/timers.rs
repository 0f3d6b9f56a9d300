//! Who wants to be woken when.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use host::duty::{self, Duty};
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
    server: Server,
}

/// What the thread that serves the queue does.
#[derive(Clone, Copy, Default)]
enum Server {
    /// There is none yet.
    #[default]
    Absent,
    /// It looks at the queue before it sleeps again.
    Awake,
    /// It sleeps until then, or until it is woken. It is not woken for later deadlines, nor when the earliest goes: most
    /// waits with a timeout end before it, and waking a thread costs more than the whole of the rest.
    Asleep(Option<Instant>),
}

impl Timers {
    /// Has the listener notified (with `IN`) at the deadline, or right away if that has passed, unless the registration is dropped before.
    #[must_use]
    pub fn add(self: &Arc<Self>, deadline: Instant, listener: Arc<dyn Listener>) -> Timer {
        let mut queue = self.queue.lock();
        let key = (deadline, queue.next);
        queue.next = queue.next.wrapping_add(1);
        queue.entries.insert(key, listener);
        match queue.server {
            Server::Absent => {
                queue.server = Server::Awake;
                self.start();
            }
            Server::Asleep(until) if until.is_none_or(|until| deadline < until) => {
                queue.server = Server::Awake;
                self.changed.notify_one();
            }
            Server::Asleep(_) | Server::Awake => {}
        }
        Timer { timers: Arc::clone(self), key }
    }

    fn start(self: &Arc<Self>) {
        let timers = Arc::clone(self);
        let duty: Duty = Arc::new(move || timers.serve_next());
        if let Err(error) = duty::start("timers", duty) {
            tracing::error!(%error, "no thread for timers");
        }
    }

    /// Waits for the next that is due, and notifies it.
    fn serve_next(&self) -> ControlFlow<()> {
        let mut queue = self.queue.lock();
        loop {
            let first = queue.entries.first_key_value().map(|((deadline, _), _)| *deadline);
            if first.is_none_or(|deadline| deadline > Instant::now()) {
                queue.server = Server::Asleep(first);
                match first {
                    Some(deadline) => {
                        self.changed.wait_until(&mut queue, deadline);
                    }
                    None => self.changed.wait(&mut queue),
                }
                queue.server = Server::Awake;
                continue;
            }
            let Some((_, listener)) = queue.entries.pop_first() else { continue };
            drop(queue);
            executor::turn(|| listener.notify(Events::IN));
            return ControlFlow::Continue(());
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    struct Note(Mutex<mpsc::Sender<(u32, Instant)>>, u32);

    impl Listener for Note {
        fn notify(&self, _: Events) {
            let _ = self.0.lock().send((self.1, Instant::now()));
        }
    }

    #[test]
    fn listeners_are_notified_in_order_and_not_before_their_time() {
        let timers = Arc::new(Timers::default());
        let (sender, receiver) = mpsc::channel();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let add = |ms, id| timers.add(at(ms), Arc::new(Note(Mutex::new(sender.clone()), id)));
        let _late = add(60, 3);
        std::thread::sleep(Duration::from_millis(5));
        let _early = add(20, 1);
        let cancelled = add(30, 9);
        let _middle = add(40, 2);
        drop(cancelled);
        for (id, ms) in [(1, 20), (2, 40), (3, 60)] {
            let (who, when) = receiver.recv_timeout(Duration::from_secs(5)).unwrap();
            assert_eq!(who, id);
            assert!(when >= at(ms));
        }
        assert!(receiver.try_recv().is_err());
    }

    #[test]
    fn a_later_deadline_after_a_cancelled_one_is_kept() {
        let timers = Arc::new(Timers::default());
        let (sender, receiver) = mpsc::channel();
        let add = |ms, id| {
            let at = Instant::now() + Duration::from_millis(ms);
            timers.add(at, Arc::new(Note(Mutex::new(sender.clone()), id)))
        };
        for _ in 0..100 {
            drop(add(10, 0));
        }
        let _kept = add(30, 7);
        assert_eq!(receiver.recv_timeout(Duration::from_secs(5)).unwrap().0, 7);
    }
}

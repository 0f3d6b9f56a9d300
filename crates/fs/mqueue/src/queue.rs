//! A queue of messages by priority.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{Events, WaitQueue};

use crate::limits::{Reservation, Shape};

/// Priorities lie below this: `MQ_PRIO_MAX`.
pub const PRIORITY_MAX: u32 = 32_768;

/// Whose message it is: process and real user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Its process.
    pub pid: i32,
    /// Its user.
    pub uid: u32,
}

/// Who is told that a message came to an empty queue (mq_notify(3)).
pub trait Notifier: Send + Sync {
    /// Tells it, once, of a message from a process of a user.
    fn tell(&self, sender: Sender);

    /// The process that asked, as long as it is there.
    fn process(&self) -> Option<i32>;

    /// The signal that it gets, or 0.
    fn signal(&self) -> i32;
}

/// A queue.
pub struct Queue {
    shape: Shape,
    state: Mutex<State>,
    /// Notified when a message comes (`IN`) or goes (`OUT`).
    pub changed: Arc<WaitQueue>,
    _reservation: Reservation,
}

#[derive(Default)]
struct State {
    messages: BTreeMap<Reverse<u32>, VecDeque<Box<[u8]>>>,
    count: u64,
    bytes: u64,
    /// How many wait for a message: one that goes to them is not told of.
    receivers: u32,
    notifier: Option<Registered>,
}

struct Registered {
    /// The description that it was registered through.
    description: u64,
    notifier: Arc<dyn Notifier>,
}

/// What a queue holds, and whom it tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Messages.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The signal that is sent, or 0.
    pub signal: i32,
    /// To whom, or 0.
    pub process: i32,
}

/// One that waits for a message, until it is dropped.
pub struct Receiver(Arc<Queue>);

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.receivers = state.receivers.saturating_sub(1);
    }
}

impl Queue {
    pub(crate) fn new(shape: Shape, reservation: Reservation) -> Arc<Self> {
        Arc::new(Self {
            shape,
            state: Mutex::default(),
            changed: WaitQueue::new(),
            _reservation: reservation,
        })
    }

    /// How much it holds at most.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// What it holds now.
    #[must_use]
    pub fn status(&self) -> Status {
        let state = self.state.lock();
        let told = state.notifier.as_ref();
        let process = told.and_then(|told| told.notifier.process());
        Status {
            count: state.count,
            bytes: state.bytes,
            signal: told.filter(|_| process.is_some()).map_or(0, |told| told.notifier.signal()),
            process: process.unwrap_or(0),
        }
    }

    /// Adds a message.
    ///
    /// # Errors
    /// `EMSGSIZE`, `EAGAIN` if it is full.
    pub fn send(&self, message: &[u8], priority: u32, sender: Sender) -> Result<(), Errno> {
        let size = u64::try_from(message.len()).map_err(|_| Errno::EMSGSIZE)?;
        if size > self.shape.size {
            return Err(Errno::EMSGSIZE);
        }
        let told = {
            let mut state = self.state.lock();
            if state.count >= self.shape.messages {
                return Err(Errno::EAGAIN);
            }
            let first = state.count == 0 && state.receivers == 0;
            state.messages.entry(Reverse(priority)).or_default().push_back(Box::from(message));
            state.count = state.count.saturating_add(1);
            state.bytes = state.bytes.saturating_add(size);
            if first { state.notifier.take() } else { None }
        };
        if let Some(told) = told {
            told.notifier.tell(sender);
        }
        self.changed.notify(Events::IN | Events::RDNORM);
        Ok(())
    }

    /// Takes the oldest message of the highest priority.
    ///
    /// # Errors
    /// `EAGAIN` if there is none.
    pub fn receive(&self) -> Result<(Box<[u8]>, u32), Errno> {
        let taken = {
            let mut state = self.state.lock();
            let mut first = state.messages.first_entry().ok_or(Errno::EAGAIN)?;
            let Reverse(priority) = *first.key();
            let message = first.get_mut().pop_front().ok_or(Errno::EAGAIN)?;
            if first.get().is_empty() {
                first.remove();
            }
            state.count = state.count.saturating_sub(1);
            state.bytes = state.bytes.saturating_sub(u64::try_from(message.len()).unwrap_or(0));
            (message, priority)
        };
        self.changed.notify(Events::OUT | Events::WRNORM);
        Ok(taken)
    }

    /// Counts the caller as waiting for a message.
    #[must_use]
    pub fn wait(self: &Arc<Self>) -> Receiver {
        let mut state = self.state.lock();
        state.receivers = state.receivers.saturating_add(1);
        Receiver(Arc::clone(self))
    }

    /// Has somebody told of the next message that comes to the empty queue.
    ///
    /// # Errors
    /// `EBUSY` if somebody else is to be told already.
    pub fn register(&self, description: u64, notifier: Arc<dyn Notifier>) -> Result<(), Errno> {
        let mut state = self.state.lock();
        if state.notifier.as_ref().is_some_and(|told| told.notifier.process().is_some()) {
            return Err(Errno::EBUSY);
        }
        state.notifier = Some(Registered { description, notifier });
        Ok(())
    }

    /// Forgets what a process registered.
    pub fn unregister(&self, process: i32) {
        let mut state = self.state.lock();
        if state.notifier.as_ref().is_some_and(|told| told.notifier.process() == Some(process)) {
            state.notifier = None;
        }
    }

    /// A description is closed: what was registered through it is forgotten.
    pub(crate) fn closed(&self, description: u64) {
        let mut state = self.state.lock();
        if state.notifier.as_ref().is_some_and(|told| told.description == description) {
            state.notifier = None;
        }
    }

    pub(crate) fn poll(&self) -> Events {
        let count = self.state.lock().count;
        let mut events = Events::empty();
        events.set(Events::IN | Events::RDNORM, count > 0);
        events.set(Events::OUT | Events::WRNORM, count < self.shape.messages);
        events
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::limits::Usage;

    const SENDER: Sender = Sender { pid: 1, uid: 0 };

    fn queue(messages: u64) -> Arc<Queue> {
        let shape = Shape { messages, size: 8 };
        let usage = Arc::new(Usage::default());
        Queue::new(shape, usage.reserve(shape, 0, u64::MAX, true).unwrap())
    }

    #[derive(Default)]
    struct Told(AtomicU32);

    impl Notifier for Told {
        fn tell(&self, _: Sender) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn process(&self) -> Option<i32> {
            Some(7)
        }

        fn signal(&self) -> i32 {
            10
        }
    }

    #[test]
    fn higher_priorities_come_first_and_equal_ones_in_their_order() {
        let queue = queue(4);
        for (text, priority) in [(b"a", 1), (b"b", 5), (b"c", 5), (b"d", 0)] {
            queue.send(text, priority, SENDER).unwrap();
        }
        assert_eq!(queue.send(b"e", 9, SENDER), Err(Errno::EAGAIN));
        let order: Vec<_> = (0..4).map(|_| queue.receive().unwrap()).map(|(m, p)| (m.to_vec(), p)).collect();
        let expected = [(b"b", 5), (b"c", 5), (b"a", 1), (b"d", 0)].map(|(m, p)| (m.to_vec(), p));
        assert_eq!(order, expected);
        assert_eq!(queue.receive(), Err(Errno::EAGAIN));
        assert_eq!(queue.send(b"too long!", 0, SENDER), Err(Errno::EMSGSIZE));
    }

    #[test]
    fn only_a_message_to_an_empty_queue_that_nobody_waits_at_is_told_of_once() {
        let (queue, told) = (queue(4), Arc::new(Told::default()));
        let count = || told.0.load(Ordering::Relaxed);
        queue.send(b"a", 0, SENDER).unwrap();
        queue.register(1, Arc::clone(&told) as _).unwrap();
        assert_eq!(queue.register(2, Arc::clone(&told) as _), Err(Errno::EBUSY));
        queue.send(b"b", 0, SENDER).unwrap();
        queue.receive().unwrap();
        queue.receive().unwrap();
        let waiting = queue.wait();
        queue.send(b"c", 0, SENDER).unwrap();
        assert_eq!(count(), 0);
        queue.receive().unwrap();
        drop(waiting);
        queue.send(b"d", 0, SENDER).unwrap();
        queue.receive().unwrap();
        queue.send(b"e", 0, SENDER).unwrap();
        assert_eq!((count(), queue.status().process), (1, 0));
        queue.register(1, Arc::clone(&told) as _).unwrap();
        queue.closed(2);
        assert_eq!(queue.status().process, 7);
        queue.closed(1);
        assert_eq!(queue.status().process, 0);
    }
}

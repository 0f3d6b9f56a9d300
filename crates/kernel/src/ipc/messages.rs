//! Messages: msgsnd(2), msgrcv(2).

use std::collections::VecDeque;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{Events, WaitQueue};

/// A message queue.
pub struct Queue {
    state: Mutex<State>,
    /// Notified when a message has come or gone, and when the queue is removed.
    pub changed: Arc<WaitQueue>,
}

struct State {
    messages: VecDeque<Message>,
    told: Status,
}

/// What msgctl(2) tells of a queue. Times in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Bytes in it.
    pub bytes: u64,
    /// Messages in it.
    pub count: u64,
    /// Bytes that it may hold.
    pub bytes_max: u64,
    /// Last msgsnd(2), and by whom.
    pub sent: (i64, i32),
    /// Last msgrcv(2), and by whom.
    pub received: (i64, i32),
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type, positive.
    pub kind: i64,
    /// Its text.
    pub text: Vec<u8>,
}

/// Which message is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The first.
    Any,
    /// The first of this type.
    Kind(i64),
    /// The first of any other type.
    Except(i64),
    /// The first of the lowest type up to this one.
    Lowest(i64),
    /// The one in this place, which stays.
    Copy(usize),
}

impl Queue {
    /// An empty queue that may hold so many bytes.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        let told = Status { bytes: 0, count: 0, bytes_max, sent: (0, 0), received: (0, 0) };
        let state = Mutex::new(State { messages: VecDeque::new(), told });
        Self { state, changed: WaitQueue::new() }
    }

    /// What it holds.
    #[must_use]
    pub fn status(&self) -> Status {
        self.state.lock().told
    }

    /// Sets how much it may hold.
    pub fn set_bytes_max(&self, bytes_max: u64) {
        self.state.lock().told.bytes_max = bytes_max;
        self.changed.notify(Events::IN);
    }

    /// Appends a message. Empty ones count too, so that there cannot be more messages than bytes allowed.
    ///
    /// # Errors
    /// `EAGAIN` if there is no room now.
    pub fn send(&self, pid: i32, message: &Message) -> Result<(), Errno> {
        let length = u64::try_from(message.text.len()).map_err(|_| Errno::EINVAL)?;
        let mut state = self.state.lock();
        let told = &mut state.told;
        if told.bytes.saturating_add(length) > told.bytes_max || told.count >= told.bytes_max {
            return Err(Errno::EAGAIN);
        }
        told.bytes += length;
        told.count += 1;
        told.sent = (super::now(), pid);
        state.messages.push_back(message.clone());
        drop(state);
        self.changed.notify(Events::IN);
        Ok(())
    }

    /// Takes a message of at most `room` bytes, or cuts a longer one.
    ///
    /// # Errors
    /// `EAGAIN` if there is none now, `E2BIG` if it is longer and not to be cut.
    pub fn receive(&self, pid: i32, wanted: Wanted, room: usize, cut: bool) -> Result<Message, Errno> {
        let mut state = self.state.lock();
        let place = state.find(wanted).ok_or(Errno::EAGAIN)?;
        let found = state.messages.get(place).ok_or(Errno::EAGAIN)?;
        if found.text.len() > room && !cut {
            return Err(Errno::E2BIG);
        }
        if matches!(wanted, Wanted::Copy(_)) {
            // A copy is never cut.
            return if found.text.len() > room { Err(Errno::EINVAL) } else { Ok(found.clone()) };
        }
        let message = state.messages.remove(place).ok_or(Errno::EAGAIN)?;
        let told = &mut state.told;
        told.bytes = told.bytes.saturating_sub(u64::try_from(message.text.len()).unwrap_or(0));
        told.count = told.count.saturating_sub(1);
        told.received = (super::now(), pid);
        drop(state);
        self.changed.notify(Events::IN);
        Ok(message)
    }
}

impl State {
    fn find(&self, wanted: Wanted) -> Option<usize> {
        let kinds = || self.messages.iter().map(|m| m.kind);
        match wanted {
            Wanted::Any => (!self.messages.is_empty()).then_some(0),
            Wanted::Kind(kind) => kinds().position(|k| k == kind),
            Wanted::Except(kind) => kinds().position(|k| k != kind),
            Wanted::Lowest(most) => {
                let lowest = kinds().filter(|k| *k <= most).min()?;
                kinds().position(|k| k == lowest)
            }
            Wanted::Copy(place) => (place < self.messages.len()).then_some(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: i64, text: &str) -> Message {
        Message { kind, text: text.as_bytes().to_vec() }
    }

    #[test]
    fn messages_are_chosen_by_type() {
        let queue = Queue::new(16_384);
        for (kind, text) in [(3, "c"), (1, "a"), (2, "b"), (1, "aa")] {
            queue.send(9, &message(kind, text)).unwrap();
        }
        let take = |wanted| queue.receive(9, wanted, 9, false).map(|m| m.text);
        assert_eq!(take(Wanted::Copy(2)), Ok(b"b".to_vec()));
        assert_eq!(take(Wanted::Lowest(2)), Ok(b"a".to_vec()));
        assert_eq!(take(Wanted::Kind(1)), Ok(b"aa".to_vec()));
        assert_eq!(take(Wanted::Except(3)), Ok(b"b".to_vec()));
        assert_eq!(take(Wanted::Kind(9)), Err(Errno::EAGAIN));
        assert_eq!(take(Wanted::Any), Ok(b"c".to_vec()));
        assert_eq!((queue.status().count, queue.status().bytes), (0, 0));
    }

    #[test]
    fn a_queue_is_full_by_bytes_and_by_number() {
        let queue = Queue::new(16_384);
        queue.set_bytes_max(3);
        queue.send(1, &message(1, "ab")).unwrap();
        assert_eq!(queue.send(1, &message(1, "cd")), Err(Errno::EAGAIN));
        queue.send(1, &message(1, "")).unwrap();
        queue.send(1, &message(1, "")).unwrap();
        assert_eq!(queue.send(1, &message(1, "")), Err(Errno::EAGAIN));
        assert_eq!(queue.receive(1, Wanted::Any, 1, false), Err(Errno::E2BIG));
        assert!(queue.receive(1, Wanted::Any, 1, true).is_ok());
    }
}

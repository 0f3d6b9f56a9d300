//! The events of an inotify instance that were not read yet.

use std::collections::VecDeque;

use abi::Errno;
use abi::inotify::{EVENT_SIZE, WatchBits, event_header};
use vfs::Sink;
use vfs::notify::Event;

/// Events that wait at most: `max_queued_events`.
const EVENTS_MAX: usize = 16_384;

/// Events in their order.
#[derive(Default)]
pub(super) struct Queue {
    events: VecDeque<Queued>,
    bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Queued {
    watch: i32,
    bits: WatchBits,
    cookie: u32,
    /// Empty if the event has none.
    name: Box<[u8]>,
}

impl Queued {
    /// Space for the name: with a NUL behind it, in whole units.
    fn name_space(&self) -> usize {
        if self.name.is_empty() { 0 } else { (self.name.len() + 1).next_multiple_of(EVENT_SIZE) }
    }

    fn size(&self) -> usize {
        EVENT_SIZE + self.name_space()
    }

    /// As Linux merges: the cookie does not count, and the end of a watch is told each time.
    fn repeats(&self, last: &Self) -> bool {
        !last.bits.contains(WatchBits::IGNORED)
            && (self.watch, self.bits, &self.name) == (last.watch, last.bits, &last.name)
    }
}

impl Queue {
    /// Adds an event. False if it only repeats the last one, or there is no room: the first that is lost leaves a note.
    pub(super) fn push(&mut self, watch: i32, event: &Event<'_>) -> bool {
        let name = event.name.unwrap_or_default().into();
        let of_all = event.bits.contains(WatchBits::Q_OVERFLOW);
        let watch = if of_all { -1 } else { watch };
        let mut new = Queued { watch, bits: event.bits, cookie: event.cookie, name };
        if self.events.back().is_some_and(|last| new.repeats(last)) {
            return false;
        }
        if self.events.len() > EVENTS_MAX {
            return false;
        }
        if self.events.len() == EVENTS_MAX {
            new = Queued { watch: -1, bits: WatchBits::Q_OVERFLOW, cookie: 0, name: Box::default() };
        }
        self.bytes += new.size();
        self.events.push_back(new);
        true
    }

    /// Bytes that wait to be read.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reads as many whole events as there is room for.
    ///
    /// # Errors
    /// `EAGAIN` if there is none, `EINVAL` if there is no room for the first, `EFAULT`.
    pub(super) fn read(&mut self, into: &mut dyn Sink) -> Result<usize, Errno> {
        let mut read = 0;
        while let Some(event) = self.events.front() {
            let size = event.size();
            if into.room() < size {
                break;
            }
            let space = u32::try_from(event.name_space()).map_err(|_| Errno::EINVAL)?;
            let mut bytes = event_header(event.watch, event.bits, event.cookie, space).to_vec();
            bytes.extend_from_slice(&event.name);
            bytes.resize(size, 0);
            match into.put(&bytes) {
                Ok(put) if put == size => {}
                _ if read > 0 => return Ok(read),
                _ => return Err(Errno::EFAULT),
            }
            self.events.pop_front();
            self.bytes -= size;
            read += size;
        }
        match (read, self.events.is_empty()) {
            (0, true) => Err(Errno::EAGAIN),
            (0, false) => Err(Errno::EINVAL),
            _ => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use vfs::io::VecSink;

    use super::*;

    fn event(bits: WatchBits, name: Option<&[u8]>) -> Event<'_> {
        Event { bits, cookie: 0, name }
    }

    #[test]
    fn names_are_padded_and_events_not_cut() {
        let mut queue = Queue::default();
        assert!(queue.push(1, &event(WatchBits::CREATE, Some(b"fifteen-letters"))));
        assert!(queue.push(1, &event(WatchBits::OPEN, None)));
        assert_eq!(queue.bytes(), 48);
        assert_eq!(queue.read(&mut VecSink::new(31)), Err(Errno::EINVAL));
        let mut sink = VecSink::new(47);
        assert_eq!(queue.read(&mut sink), Ok(32));
        assert_eq!(sink.data.get(16..), Some(&b"fifteen-letters\0"[..]));
        assert_eq!((queue.read(&mut VecSink::new(99)), queue.bytes()), (Ok(16), 0));
        assert_eq!(queue.read(&mut VecSink::new(99)), Err(Errno::EAGAIN));
    }

    #[test]
    fn repetitions_are_dropped_and_too_many_leave_a_note() {
        let mut queue = Queue::default();
        assert!(queue.push(1, &event(WatchBits::MODIFY, None)));
        assert!(!queue.push(1, &event(WatchBits::MODIFY, None)));
        for i in 1..EVENTS_MAX {
            let bits = if i % 2 == 0 { WatchBits::MODIFY } else { WatchBits::OPEN };
            assert!(queue.push(1, &event(bits, None)));
        }
        assert!(queue.push(1, &event(WatchBits::ACCESS, None)));
        assert!(!queue.push(1, &event(WatchBits::MODIFY, None)));
        let last = queue.events.back().unwrap();
        assert_eq!((last.watch, last.bits), (-1, WatchBits::Q_OVERFLOW));
    }
}

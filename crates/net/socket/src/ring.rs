//! A bounded queue of bytes.

use abi::Errno;
use vfs::{Sink, Source};

const FIRST_SIZE: usize = 4096;
/// How much Linux takes from a sender at once.
const BUFFER: usize = 32 * 1024;

/// A ring of bytes that grows to its capacity as it is filled, and allocates nothing once it has.
#[derive(Debug, Default)]
pub struct Ring {
    buffer: Vec<u8>,
    head: usize,
    length: usize,
}

impl Ring {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), head: 0, length: 0 }
    }

    /// Bytes in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Takes bytes from `from` until `capacity` bytes are in it. Returns how many.
    ///
    /// # Errors
    /// `EFAULT` if not even one buffer could be fetched.
    pub fn fill(&mut self, from: &mut dyn Source, capacity: usize) -> Result<usize, Errno> {
        let wanted = from.left().min(capacity.saturating_sub(self.length));
        self.reserve(wanted, capacity);
        let mut done = 0;
        while done < wanted {
            let piece = self.free_piece(wanted.saturating_sub(done));
            let asked = piece.len();
            let got = match from.take(piece) {
                Ok(got) => got.min(asked),
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => 0,
            };
            self.length = self.length.saturating_add(got);
            done = done.saturating_add(got);
            if got < asked {
                return self.cut(from, done);
            }
        }
        Ok(done)
    }

    /// Keeps of the `done` bytes that came before a fault what would fill whole buffers, as Linux does.
    ///
    /// # Errors
    /// `EFAULT` if that is nothing.
    fn cut(&mut self, from: &mut dyn Source, done: usize) -> Result<usize, Errno> {
        let rest = done % BUFFER;
        self.length = self.length.saturating_sub(rest);
        from.give_back(rest);
        match done.saturating_sub(rest) {
            0 => Err(Errno::EFAULT),
            whole => Ok(whole),
        }
    }

    /// Stores up to `limit` bytes, beginning `skip` bytes behind the first, without removing them. Returns how many.
    ///
    /// # Errors
    /// `EFAULT` if they could not all be stored: a fault in the middle leaves them where they are, as in Linux.
    pub fn copy(&self, skip: usize, limit: usize, into: &mut dyn Sink) -> Result<usize, Errno> {
        let wanted = limit.min(self.length.saturating_sub(skip)).min(into.room());
        let mut done = 0;
        while done < wanted {
            let piece = self.full_piece(skip.saturating_add(done), wanted.saturating_sub(done));
            match into.put(piece) {
                Ok(stored) if stored >= piece.len() => done = done.saturating_add(piece.len()),
                // What was sent together is received together, or stays.
                Ok(_) if done == 0 => return Err(Errno::EFAULT),
                Err(errno) if done == 0 => return Err(errno),
                Ok(_) | Err(_) => break,
            }
        }
        Ok(done)
    }

    /// Removes up to `count` bytes from the front.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.length);
        self.length = self.length.saturating_sub(count);
        self.head = if self.length == 0 { 0 } else { self.wrap(self.head.saturating_add(count)) };
    }

    /// Removes everything, and the memory with it.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    fn wrap(&self, at: usize) -> usize {
        if at >= self.buffer.len() { at.saturating_sub(self.buffer.len()) } else { at }
    }

    /// The first contiguous part of the free room.
    fn free_piece(&mut self, limit: usize) -> &mut [u8] {
        if self.length >= self.buffer.len() {
            return &mut [];
        }
        let start = self.wrap(self.head.saturating_add(self.length));
        let end = if start < self.head { self.head } else { self.buffer.len() };
        let end = end.min(start.saturating_add(limit));
        self.buffer.get_mut(start..end).unwrap_or_default()
    }

    /// The contiguous part of the content from `skip` on.
    fn full_piece(&self, skip: usize, limit: usize) -> &[u8] {
        let start = self.wrap(self.head.saturating_add(skip));
        let end = self.buffer.len().min(start.saturating_add(limit));
        self.buffer.get(start..end).unwrap_or_default()
    }

    /// Makes room for `more` bytes, doubling up to `capacity`.
    fn reserve(&mut self, more: usize, capacity: usize) {
        let needed = self.length.saturating_add(more);
        if needed <= self.buffer.len() {
            return;
        }
        let size = self.buffer.len().max(FIRST_SIZE).saturating_mul(2).max(needed).min(capacity.max(needed));
        let mut buffer = Vec::with_capacity(size);
        let (first, second) = self.halves();
        buffer.extend_from_slice(first);
        buffer.extend_from_slice(second);
        buffer.resize(size, 0);
        self.buffer = buffer;
        self.head = 0;
    }

    fn halves(&self) -> (&[u8], &[u8]) {
        let first = self.full_piece(0, self.length);
        let second = self.buffer.get(..self.length.saturating_sub(first.len())).unwrap_or_default();
        (first, second)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;
    use vfs::io::{SliceSource, VecSink};

    use super::*;

    proptest! {
        #[test]
        fn behaves_as_a_bounded_queue(steps in proptest::collection::vec((any::<bool>(), 0usize..9000), 1..60)) {
            const CAPACITY: usize = 10_000;
            let mut ring = Ring::new();
            let mut model = VecDeque::new();
            let mut next = 0u8;
            for (write, count) in steps {
                if write {
                    let data: Vec<u8> = (0..count).map(|_| { next = next.wrapping_add(1); next }).collect();
                    let n = ring.fill(&mut SliceSource::new(&data), CAPACITY).unwrap();
                    prop_assert_eq!(n, count.min(CAPACITY - model.len()));
                    model.extend(&data[..n]);
                } else {
                    let mut sink = VecSink::new(count);
                    let n = ring.copy(0, usize::MAX, &mut sink).unwrap();
                    ring.consume(n);
                    let expected: Vec<u8> = model.drain(..count.min(model.len())).collect();
                    prop_assert_eq!(sink.data, expected);
                }
                prop_assert_eq!(ring.len(), model.len());
            }
        }
    }

    #[test]
    fn copies_from_the_middle() {
        let mut ring = Ring::new();
        ring.fill(&mut SliceSource::new(b"abcdef"), 100).unwrap();
        let mut sink = VecSink::new(10);
        assert_eq!(ring.copy(2, 3, &mut sink), Ok(3));
        assert_eq!(sink.data, b"cde");
        assert_eq!(ring.len(), 6);
    }
}

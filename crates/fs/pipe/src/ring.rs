//! The bytes of a pipe, counted in page-sized slots as Linux counts them.
//!
//! The bytes lie in one ring, so that they move to and from guest memory in one or two pieces; the slots beside it only say which
//! bytes would share a page in Linux. That decides when a pipe is full, and where packets end.

use std::collections::VecDeque;

use abi::Errno;
use vfs::{Sink, Source};

/// Bytes of one slot.
pub(crate) const SLOT: usize = 4096;
/// The ring's own buffer is kept between uses up to this size.
const KEEP: usize = 16 * SLOT;

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Bytes at the beginning of the page that were read already; their room is not used again.
    start: usize,
    /// Bytes in it.
    len: usize,
    /// A packet of its own (`O_DIRECT`): nothing is added to it, and a read ends with it.
    packet: bool,
}

#[derive(Debug)]
pub(crate) struct Ring {
    buffer: Vec<u8>,
    head: usize,
    len: usize,
    slots: VecDeque<Slot>,
    limit: usize,
}

impl Ring {
    /// An empty ring of `limit` slots.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { buffer: Vec::new(), head: 0, len: 0, slots: VecDeque::new(), limit }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn is_full(&self) -> bool {
        self.slots.len() >= self.limit
    }

    /// How much a write of any size can add at most.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.slots.len()).saturating_mul(SLOT)
    }

    /// Changes the number of slots.
    ///
    /// # Errors
    /// `EBUSY` if more are in use.
    pub(crate) fn set_limit(&mut self, limit: usize) -> Result<(), Errno> {
        if self.slots.len() > limit {
            return Err(Errno::EBUSY);
        }
        self.limit = limit;
        Ok(())
    }

    /// Moves bytes in. Nothing, if there is no room at all or less than a write of this size needs to be atomic.
    ///
    /// # Errors
    /// `EAGAIN`, and the source's.
    pub(crate) fn fill(&mut self, from: &mut dyn Source, packet: bool) -> Result<usize, Errno> {
        let want = from.left();
        let merge = if packet { 0 } else { self.mergeable(want % SLOT) };
        let count = merge.saturating_add((want - merge).min(self.room()));
        if count == 0 {
            return Err(Errno::EAGAIN);
        }
        self.reserve(count);
        let at = self.wrap(self.len);
        let first = count.min(self.buffer.len() - at);
        let mut done = from.take(self.buffer.get_mut(at..at + first).unwrap_or_default())?;
        if done == first && first < count {
            done += from.take(self.buffer.get_mut(..count - first).unwrap_or_default()).unwrap_or(0);
        }
        if done < count {
            // What shares a page moves as a whole, or stays.
            let whole = if done < merge { 0 } else { merge + (done - merge) / SLOT * SLOT };
            from.give_back(done - whole);
            if whole == 0 {
                return Err(Errno::EFAULT);
            }
            done = whole;
        }
        self.len += done;
        self.account(done, merge, packet);
        Ok(done)
    }

    /// How many of `tail` bytes go into the last slot: all or nothing.
    fn mergeable(&self, tail: usize) -> usize {
        match self.slots.back() {
            Some(last) if !last.packet && last.start + last.len + tail <= SLOT => tail,
            _ => 0,
        }
    }

    fn account(&mut self, mut count: usize, merge: usize, packet: bool) {
        if let Some(last) = self.slots.back_mut() {
            let merged = merge.min(count);
            last.len += merged;
            count -= merged;
        }
        while count > 0 {
            let len = count.min(SLOT);
            self.slots.push_back(Slot { start: 0, len, packet });
            count -= len;
        }
    }

    /// Moves bytes out: up to the end of the sink, of the data, or of the first packet, whose rest is lost.
    ///
    /// # Errors
    /// The sink's.
    pub(crate) fn drain(&mut self, into: &mut dyn Sink) -> Result<usize, Errno> {
        let count = self.readable(into.room());
        let mut done = 0;
        for piece in self.pieces(count) {
            match into.put(piece) {
                Ok(put) if put == piece.len() => done += put,
                // A buffer of a pipe moves as a whole, or stays.
                Ok(_) if done == 0 => return Err(Errno::EFAULT),
                Err(errno) if done == 0 => return Err(errno),
                Ok(_) | Err(_) => break,
            }
        }
        self.consume(done);
        Ok(done)
    }

    /// A copy of the first bytes, which stay, as [`Self::drain`] would give them.
    pub(crate) fn peek(&self, limit: usize) -> Vec<u8> {
        self.pieces(self.readable(limit)).concat()
    }

    /// Puts bytes back in front, whether or not there is room.
    pub(crate) fn unread(&mut self, data: &[u8]) {
        self.reserve(data.len());
        let size = self.buffer.len();
        for piece in data.chunks(SLOT).rev() {
            for byte in piece.iter().rev() {
                self.head = (self.head + size - 1) % size.max(1);
                if let Some(place) = self.buffer.get_mut(self.head) {
                    *place = *byte;
                }
            }
            self.slots.push_front(Slot { start: SLOT - piece.len(), len: piece.len(), packet: false });
        }
        self.len += data.len();
    }

    fn readable(&self, room: usize) -> usize {
        let mut count = 0;
        for slot in &self.slots {
            count += slot.len;
            if slot.packet || count >= room {
                break;
            }
        }
        count.min(room)
    }

    /// The first `count` bytes.
    fn pieces(&self, count: usize) -> [&[u8]; 2] {
        let first = count.min(self.buffer.len() - self.head.min(self.buffer.len()));
        let head = self.buffer.get(self.head..self.head + first).unwrap_or_default();
        [head, self.buffer.get(..count - first).unwrap_or_default()]
    }

    fn consume(&mut self, mut count: usize) {
        while count > 0 {
            let Some(slot) = self.slots.front_mut() else { break };
            let taken = if slot.packet { slot.len } else { slot.len.min(count) };
            slot.start += taken;
            slot.len -= taken;
            let empty = slot.len == 0;
            if empty {
                self.slots.pop_front();
            }
            self.head = self.wrap(taken);
            self.len -= taken;
            count = count.saturating_sub(taken);
        }
        if self.len == 0 {
            self.head = 0;
            if self.buffer.len() > KEEP {
                self.buffer = Vec::new();
            }
        }
    }

    /// The position in the buffer `by` bytes behind the head.
    fn wrap(&self, by: usize) -> usize {
        let at = self.head + by;
        if at >= self.buffer.len() { at - self.buffer.len() } else { at }
    }

    /// Makes the buffer large enough for `more` bytes.
    fn reserve(&mut self, more: usize) {
        let need = self.len.saturating_add(more);
        if need <= self.buffer.len() {
            return;
        }
        let mut larger =
            vec![0; need.next_multiple_of(SLOT).max(self.buffer.len() * 2).min(need.max(self.limit * SLOT))];
        let mut at = 0;
        for piece in self.pieces(self.len) {
            if let Some(place) = larger.get_mut(at..at + piece.len()) {
                place.copy_from_slice(piece);
            }
            at += piece.len();
        }
        self.buffer = larger;
        self.head = 0;
    }
}

#[cfg(test)]
mod tests {
    use vfs::io::{SliceSource, VecSink};

    use super::*;

    fn write(ring: &mut Ring, data: &[u8]) -> Result<usize, Errno> {
        ring.fill(&mut SliceSource::new(data), false)
    }

    fn read(ring: &mut Ring, count: usize) -> Vec<u8> {
        let mut sink = VecSink::new(count);
        ring.drain(&mut sink).unwrap();
        sink.data
    }

    #[test]
    fn small_writes_share_a_slot() {
        let mut ring = Ring::new(1);
        for _ in 0..SLOT {
            assert_eq!(write(&mut ring, b"x"), Ok(1));
        }
        assert_eq!(write(&mut ring, b"x"), Err(Errno::EAGAIN));
        assert_eq!(read(&mut ring, SLOT * 2).len(), SLOT);
    }

    #[test]
    fn a_slot_is_free_only_when_all_of_it_was_read() {
        let mut ring = Ring::new(1);
        assert_eq!(write(&mut ring, &[1; SLOT]), Ok(SLOT));
        assert_eq!(read(&mut ring, SLOT - 1).len(), SLOT - 1);
        assert_eq!(write(&mut ring, b"x"), Err(Errno::EAGAIN));
        assert_eq!(read(&mut ring, 1).len(), 1);
        assert_eq!(write(&mut ring, b"x"), Ok(1));
    }

    #[test]
    fn large_writes_are_cut_at_the_room() {
        let mut ring = Ring::new(16);
        assert_eq!(write(&mut ring, &[1; 100_000]), Ok(65_536));
        assert!(ring.is_full());
        assert_eq!(read(&mut ring, 200_000).len(), 65_536);
        assert_eq!(ring.len(), 0);
    }

    #[test]
    fn order_is_kept_around_the_end_of_the_buffer() {
        let mut ring = Ring::new(2);
        let mut next = 0_u8;
        let mut expected = 0_u8;
        for round in 0..200_usize {
            let data: Vec<u8> = (0..round * 37 % 3000 + 1)
                .map(|_| {
                    next = next.wrapping_add(1);
                    next
                })
                .collect();
            let done = write(&mut ring, &data).unwrap_or(0);
            next = next.wrapping_sub(u8::try_from((data.len() - done) % 256).unwrap());
            for byte in read(&mut ring, round * 53 % 3500 + 1) {
                expected = expected.wrapping_add(1);
                assert_eq!(byte, expected);
            }
        }
    }

    #[test]
    fn a_read_ends_with_a_packet_and_loses_its_rest() {
        let mut ring = Ring::new(4);
        assert_eq!(ring.fill(&mut SliceSource::new(b"first"), true), Ok(5));
        assert_eq!(ring.fill(&mut SliceSource::new(b"second"), true), Ok(6));
        assert_eq!(read(&mut ring, 3), b"fir");
        assert_eq!(read(&mut ring, 100), b"second");
    }

    #[test]
    fn what_is_put_back_comes_first() {
        let mut ring = Ring::new(2);
        assert_eq!(write(&mut ring, b"world"), Ok(5));
        ring.unread(b"hello ");
        assert_eq!(ring.peek(100), b"hello world");
        assert_eq!(read(&mut ring, 100), b"hello world");
        assert_eq!(ring.len(), 0);
    }
}

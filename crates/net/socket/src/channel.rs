//! One direction of a stream: a bounded queue of bytes with marks for what travels beside them.

use std::collections::VecDeque;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{Events, OpenFile, Sink, Source, WaitQueue};

use crate::{Ancillary, Identity, Rights};

/// How many pieces with ancillary data one direction holds. Linux bounds them by the memory that each message costs.
const MARKS_MAX: usize = 256;
/// How much of a send carries its descriptors: Linux attaches them to the first buffer of about this size.
const MARK_LENGTH_MAX: usize = 32 * 1024;

/// One direction of a connection. The two ends share it; each is told of what the other did through its own readiness.
pub struct Channel {
    state: Mutex<State>,
    reader: Arc<WaitQueue>,
    writer: Arc<WaitQueue>,
}

struct State {
    ring: crate::ring::Ring,
    capacity: usize,
    /// Position in the stream of the ring's first byte.
    position: u64,
    /// Pieces with ancillary data, in order and without overlap.
    marks: VecDeque<Mark>,
    finished: bool,
    refused: bool,
}

struct Mark {
    start: u64,
    end: u64,
    ancillary: Ancillary,
}

/// What a receive gave.
#[derive(Default)]
pub struct Piece {
    /// Bytes stored; zero at the end of the stream.
    pub count: usize,
    /// Descriptors that came with them.
    pub files: Vec<Arc<OpenFile>>,
    /// Who sent them, if known.
    pub credentials: Option<Identity>,
    /// A boundary was reached behind them.
    pub complete: bool,
}

/// How to receive.
#[derive(Clone, Copy, Default)]
pub struct ReceiveMode {
    /// Leave everything where it is.
    pub peek: bool,
    /// Do not join bytes of different senders.
    pub separate_senders: bool,
    /// Drop the bytes instead of storing them.
    pub discard: bool,
}

impl Channel {
    /// An empty channel of `capacity` bytes between the owners of these queues.
    #[must_use]
    pub fn new(capacity: usize, reader: Arc<WaitQueue>, writer: Arc<WaitQueue>) -> Arc<Self> {
        let state = State {
            ring: crate::ring::Ring::new(),
            capacity,
            position: 0,
            marks: VecDeque::new(),
            finished: false,
            refused: false,
        };
        Arc::new(Self { state: Mutex::new(state), reader, writer })
    }

    /// Puts in what fits, and `ancillary` with its first part. Returns how many bytes.
    ///
    /// # Errors
    /// `EPIPE` if either end is shut down, `EAGAIN` if there is no room, `EFAULT`.
    pub fn send(&self, from: &mut dyn Source, ancillary: &mut Ancillary) -> Result<usize, Errno> {
        let mut state = self.state.lock();
        if state.finished || state.refused {
            return Err(Errno::EPIPE);
        }
        if from.left() == 0 {
            return Ok(0);
        }
        let marked = !ancillary.is_empty();
        if state.ring.len() >= state.capacity || (marked && state.marks.len() >= MARKS_MAX) {
            return Err(Errno::EAGAIN);
        }
        let capacity = state.capacity;
        let count = state.ring.fill(from, capacity)?;
        if marked && count > 0 {
            state.mark(count, std::mem::take(ancillary));
        }
        drop(state);
        self.reader.notify(Events::IN | Events::RDNORM);
        Ok(count)
    }

    /// Takes out what is there. `EAGAIN` means that more may come.
    ///
    /// # Errors
    /// `EAGAIN` if nothing is there and neither end is shut down, `EFAULT`.
    pub fn receive(&self, into: &mut dyn Sink, mode: ReceiveMode) -> Result<Piece, Errno> {
        let mut state = self.state.lock();
        if state.ring.is_empty() {
            let over = state.finished || state.refused;
            return if over { Ok(Piece::default()) } else { Err(Errno::EAGAIN) };
        }
        let was_writable = state.writable();
        let (mut piece, rights) = state.take(into, mode)?;
        let now_writable = !was_writable && state.writable() && !state.refused;
        drop(state);
        // Not under the lock: the search for garbage looks into channels with the table of flights locked.
        if let Some(rights) = rights {
            piece.files = rights.land();
        }
        if now_writable {
            self.writer.notify(Events::OUT | Events::WRNORM);
        }
        Ok(piece)
    }

    /// The writer sends no more. The caller notifies both ends.
    pub fn finish(&self) {
        self.state.lock().finished = true;
    }

    /// The reader takes no more: sends fail. What is there can still be read. The caller notifies both ends.
    pub fn refuse(&self) {
        self.state.lock().refused = true;
    }

    /// Drops what is there, with the descriptors in it. Whether there was something.
    pub fn clear(&self) -> bool {
        let mut state = self.state.lock();
        let had = !state.ring.is_empty();
        state.ring.clear();
        let marks = std::mem::take(&mut state.marks);
        drop(state);
        drop(marks);
        had
    }

    /// Bytes that can be read.
    #[must_use]
    pub fn available(&self) -> usize {
        self.state.lock().ring.len()
    }

    /// Whether a send that is worth its while would find room.
    #[must_use]
    pub fn writable(&self) -> bool {
        self.state.lock().writable()
    }

    /// Whether the writer has finished.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.state.lock().finished
    }

    /// Whether the reader has refused.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.state.lock().refused
    }

    /// Changes the capacity; what is in it stays.
    pub fn set_capacity(&self, capacity: usize) {
        self.state.lock().capacity = capacity;
    }

    /// The descriptors that are in it.
    #[must_use]
    pub fn files(&self) -> Vec<Arc<OpenFile>> {
        let state = self.state.lock();
        let rights = state.marks.iter().filter_map(|m| m.ancillary.rights.as_ref());
        rights.flat_map(|r| r.files().iter().cloned()).collect()
    }
}

impl State {
    fn writable(&self) -> bool {
        // A third free, as Linux's TCP; a writer is woken once for many small reads.
        self.capacity.saturating_sub(self.ring.len()).saturating_mul(3) >= self.capacity
            && self.marks.len() < MARKS_MAX
    }

    fn mark(&mut self, count: usize, ancillary: Ancillary) {
        let end = self.position.saturating_add(self.ring.len() as u64);
        let start = end.saturating_sub(count as u64);
        if ancillary.rights.is_some() {
            let short = start.saturating_add(MARK_LENGTH_MAX as u64).min(end);
            let rest = Ancillary { credentials: ancillary.credentials, ..Ancillary::default() };
            self.marks.push_back(Mark { start, end: short, ancillary });
            if rest.credentials.is_some() && short < end {
                self.marks.push_back(Mark { start: short, end, ancillary: rest });
            }
            return;
        }
        if let Some(last) = self.marks.back_mut()
            && last.ancillary.rights.is_none()
            && last.end == start
            && last.ancillary.credentials == ancillary.credentials
        {
            last.end = end;
            return;
        }
        self.marks.push_back(Mark { start, end, ancillary });
    }

    fn take(&mut self, into: &mut dyn Sink, mode: ReceiveMode) -> Result<(Piece, Option<Rights>), Errno> {
        let mut piece = Piece::default();
        let mut taken = None;
        let mut at_mark = 0;
        loop {
            let skip = if mode.peek { piece.count } else { 0 };
            let position = self.position.saturating_add(skip as u64);
            let mark = self.marks.get_mut(at_mark).filter(|m| m.start <= position);
            let inside = mark.is_some();
            let sender = mark.as_ref().and_then(|m| m.ancillary.credentials);
            let end = match &mark {
                Some(m) => m.end,
                None => self.marks.get(at_mark).map_or(u64::MAX, |m| m.start),
            };
            let left = self.ring.len().saturating_sub(skip);
            let limit = usize::try_from(end.saturating_sub(position)).unwrap_or(usize::MAX).min(left);
            let room = into.room().saturating_sub(if mode.discard { piece.count } else { 0 });
            if limit == 0 || room == 0 {
                break;
            }
            if piece.count == 0 {
                piece.credentials = sender;
            } else if mode.separate_senders && piece.credentials != sender {
                piece.complete = true;
                break;
            }
            let n = if mode.discard {
                limit.min(room)
            } else {
                match self.ring.copy(skip, limit, into) {
                    Ok(n) => n,
                    Err(errno) if piece.count == 0 => return Err(errno),
                    Err(_) => break,
                }
            };
            if n == 0 {
                break;
            }
            piece.count = piece.count.saturating_add(n);
            if inside && let Some(mark) = self.marks.get_mut(at_mark) {
                let rights = &mut mark.ancillary.rights;
                piece.complete = rights.is_some();
                if mode.peek {
                    piece.files = rights.as_ref().map_or_else(Vec::new, |r| r.files().to_vec());
                } else {
                    taken = rights.take();
                }
            }
            if !mode.peek {
                self.ring.consume(n);
                self.position = self.position.saturating_add(n as u64);
            }
            if inside && n == limit {
                if mode.peek {
                    at_mark = at_mark.saturating_add(1);
                } else {
                    self.marks.pop_front();
                }
            }
            if piece.complete || n < limit {
                break;
            }
        }
        Ok((piece, taken))
    }
}

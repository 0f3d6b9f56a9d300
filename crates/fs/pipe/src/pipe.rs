//! A pipe: what its ends share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use parking_lot::Mutex;
use vfs::{AttributeChange, Attributes, Device, Events, FileKind, Owner, Sink, Source, Timestamp, WaitQueue};

use crate::ring::{Ring, SLOT};

/// Bytes that a new pipe holds.
pub const DEFAULT_CAPACITY: usize = 16 * SLOT;
/// Bytes that anyone may ask for: what /proc/sys/fs/pipe-max-size shows.
pub const MAX_CAPACITY: usize = 1 << 20;
/// Bytes that the privileged may ask for. Linux stops at 2 GiB; the memory is the sandbox's own.
const LARGEST_CAPACITY: usize = 64 << 20;
/// Writes up to this size are not interleaved with others (`PIPE_BUF`).
pub const PIPE_BUF: usize = SLOT;

static NEXT_INODE: AtomicU64 = AtomicU64::new(1);

/// A pipe or an open FIFO.
pub struct Pipe {
    state: Mutex<State>,
    pub(crate) queue: Arc<WaitQueue>,
    attributes: Mutex<Attributes>,
}

struct State {
    ring: Ring,
    readers: usize,
    writers: usize,
    /// How often it was opened for reading and for writing, ever: a blocked open waits for the other count to move.
    reader_opens: u64,
    writer_opens: u64,
}

/// What an end finds when it joins.
pub(crate) struct Joined {
    pub(crate) readers: usize,
    pub(crate) writers: usize,
    pub(crate) reader_opens: u64,
    pub(crate) writer_opens: u64,
}

impl Pipe {
    pub(crate) fn new(owner: Owner) -> Arc<Self> {
        let now = Timestamp::now();
        Arc::new(Self {
            state: Mutex::new(State {
                ring: Ring::new(DEFAULT_CAPACITY / SLOT),
                readers: 0,
                writers: 0,
                reader_opens: 0,
                writer_opens: 0,
            }),
            queue: WaitQueue::new(),
            attributes: Mutex::new(Attributes {
                inode: NEXT_INODE.fetch_add(1, Ordering::Relaxed),
                kind: FileKind::Fifo,
                mode: 0o600,
                links: 1,
                owner,
                device: Device::default(),
                size: 0,
                blocks: 0,
                block_size: 4096,
                accessed: now,
                modified: now,
                changed: now,
                born: None,
                flags: None,
            }),
        })
    }

    /// Adds an end. Returns the counts with it.
    pub(crate) fn join(&self, reads: bool, writes: bool) -> Joined {
        let mut state = self.state.lock();
        if reads {
            state.readers += 1;
            state.reader_opens += 1;
        }
        if writes {
            state.writers += 1;
            state.writer_opens += 1;
        }
        let State { readers, writers, reader_opens, writer_opens, .. } = *state;
        drop(state);
        self.queue.notify(Events::IN | Events::OUT);
        Joined { readers, writers, reader_opens, writer_opens }
    }

    /// Takes an end away. Without any end left, the data goes too, as a FIFO that is opened again shows.
    pub(crate) fn leave(&self, reads: bool, writes: bool) {
        let mut state = self.state.lock();
        state.readers -= usize::from(reads);
        state.writers -= usize::from(writes);
        if state.readers == 0 && state.writers == 0 {
            state.ring = Ring::new(state.ring.limit());
        }
        let lonely = (state.readers == 0) != (state.writers == 0);
        drop(state);
        if lonely {
            self.queue.notify(
                Events::IN | Events::OUT | Events::RDNORM | Events::WRNORM | Events::ERR | Events::HUP,
            );
        }
    }

    pub(crate) fn opens(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.reader_opens, state.writer_opens)
    }

    /// Whether there are readers, and writers.
    pub(crate) fn peers(&self) -> (bool, bool) {
        let state = self.state.lock();
        (state.readers > 0, state.writers > 0)
    }

    /// Moves data out.
    ///
    /// # Errors
    /// `EAGAIN` if there is none but may be some later, the sink's.
    pub fn read(&self, into: &mut dyn Sink) -> Result<usize, Errno> {
        if into.room() == 0 {
            return Ok(0);
        }
        let mut state = self.state.lock();
        if state.ring.len() == 0 {
            return if state.writers == 0 { Ok(0) } else { Err(Errno::EAGAIN) };
        }
        let was_full = state.ring.is_full();
        let done = state.ring.drain(into)?;
        let writable = was_full && !state.ring.is_full();
        drop(state);
        if writable {
            self.queue.notify(Events::OUT | Events::WRNORM);
        }
        Ok(done)
    }

    /// Moves data in.
    ///
    /// # Errors
    /// `EPIPE` without readers, `EAGAIN` without room, the source's.
    pub fn write(&self, from: &mut dyn Source, packet: bool) -> Result<usize, Errno> {
        if from.left() == 0 {
            return Ok(0);
        }
        let mut state = self.state.lock();
        if state.readers == 0 {
            return Err(Errno::EPIPE);
        }
        let done = state.ring.fill(from, packet)?;
        drop(state);
        self.queue.notify(Events::IN | Events::RDNORM);
        Ok(done)
    }

    /// A copy of up to `limit` of the next bytes, which stay.
    ///
    /// # Errors
    /// `EAGAIN` if there is nothing but may be later. Nothing at the end.
    pub fn peek(&self, limit: usize) -> Result<Vec<u8>, Errno> {
        let state = self.state.lock();
        if state.ring.len() == 0 && state.writers > 0 {
            return Err(Errno::EAGAIN);
        }
        Ok(state.ring.peek(limit))
    }

    /// Puts data back in front that was read and could not be used.
    pub fn unread(&self, data: &[u8]) {
        if !data.is_empty() {
            self.state.lock().ring.unread(data);
            self.queue.notify(Events::IN | Events::RDNORM);
        }
    }

    /// How many bytes can be written now without waiting.
    ///
    /// # Errors
    /// `EPIPE` without readers, `EAGAIN` if it is full.
    pub fn room(&self) -> Result<usize, Errno> {
        let state = self.state.lock();
        match state.ring.room() {
            _ if state.readers == 0 => Err(Errno::EPIPE),
            0 => Err(Errno::EAGAIN),
            room => Ok(room),
        }
    }

    /// Bytes that wait to be read.
    #[must_use]
    pub fn available(&self) -> usize {
        self.state.lock().ring.len()
    }

    /// Bytes it can hold: fcntl(2) `F_GETPIPE_SZ`.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.state.lock().ring.limit() * SLOT
    }

    /// Sets how many bytes it can hold, rounded up to a power of two of pages: fcntl(2) `F_SETPIPE_SZ`. Returns the new capacity.
    ///
    /// # Errors
    /// `EPERM` over [`MAX_CAPACITY`] unless `privileged`, `EBUSY` if it holds more, `EINVAL` over 2 GiB, `ENOMEM`.
    pub fn set_capacity(&self, bytes: u32, privileged: bool) -> Result<usize, Errno> {
        if bytes > 1 << 31 {
            return Err(Errno::EINVAL);
        }
        let bytes = usize::try_from(bytes).map_err(|_| Errno::EINVAL)?.max(SLOT).next_power_of_two();
        let mut state = self.state.lock();
        if bytes > MAX_CAPACITY && bytes / SLOT > state.ring.limit() && !privileged {
            return Err(Errno::EPERM);
        }
        if bytes > LARGEST_CAPACITY {
            return Err(Errno::ENOMEM);
        }
        let was_full = state.ring.is_full();
        state.ring.set_limit(bytes / SLOT)?;
        let writable = was_full && !state.ring.is_full();
        drop(state);
        if writable {
            self.queue.notify(Events::OUT | Events::WRNORM);
        }
        Ok(bytes)
    }

    /// What a reading end is ready for. `silent`: no writer came since it was opened, which is no hang-up.
    pub(crate) fn poll(&self, reads: bool, writes: bool, silent: impl Fn(u64) -> bool) -> Events {
        let state = self.state.lock();
        let mut events = Events::empty();
        if reads {
            events.set(Events::IN | Events::RDNORM, state.ring.len() > 0);
            events.set(Events::HUP, state.writers == 0 && !silent(state.writer_opens));
        }
        if writes {
            events.set(Events::OUT | Events::WRNORM, !state.ring.is_full());
            events.set(Events::ERR, state.readers == 0);
        }
        events
    }

    pub(crate) fn attributes(&self) -> Attributes {
        *self.attributes.lock()
    }

    pub(crate) fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        if change.size.is_some() {
            return Err(Errno::EINVAL);
        }
        change.apply(&mut self.attributes.lock());
        Ok(())
    }
}

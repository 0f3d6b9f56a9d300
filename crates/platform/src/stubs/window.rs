//! The sentry's side of a thread's window. Everything in it may be the guest's doing: each word is read once and checked.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use rustix::fs::{MemfdFlags, SealFlags};

use super::calls::SharedMapping;
use super::interface::{
    self, EXTENTS, MOST_WINDOWS, WINDOW_CAPACITY, WINDOW_DATA, WINDOW_SIZE, extent, reply, request,
};
use crate::SyscallArgs;

#[expect(clippy::cast_possible_truncation, reason = "a constant below a page")]
const WINDOW_ENTRY: usize = interface::WINDOW_ENTRY as usize;

/// How many windows there may be in a sandbox.
const MOST: u64 = 1024;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Memory that one guest thread shares with the sentry.
pub(super) struct Window {
    shared: SharedMapping<interface::Window>,
}

/// A piece of guest memory that lies in a window, as it was when the call was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) address: u64,
    pub(super) length: usize,
    offset: usize,
    kind: u32,
    /// How many of its first bytes have been written.
    pub(super) dirty: usize,
}

/// What says how far a request is, [`interface::request`], as it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Word(u64);

impl Window {
    /// A new window for the thread on this slot, and the file to be mapped there.
    ///
    /// # Errors
    /// `EAGAIN` if there are too many already, or none at that place; `ENOMEM`, `EMFILE`.
    pub(super) fn new(slot: u64) -> Result<(Self, OwnedFd), Errno> {
        if slot >= MOST_WINDOWS || COUNT.fetch_add(1, Ordering::Relaxed) >= MOST {
            if slot < MOST_WINDOWS {
                COUNT.fetch_sub(1, Ordering::Relaxed);
            }
            return Err(Errno::EAGAIN);
        }
        Self::make().inspect_err(|_| {
            COUNT.fetch_sub(1, Ordering::Relaxed);
        })
    }

    fn make() -> Result<(Self, OwnedFd), Errno> {
        let errno = |error: rustix::io::Errno| Errno::from_raw(error.raw_os_error());
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = rustix::fs::memfd_create("window", flags).map_err(errno)?;
        rustix::fs::ftruncate(&file, WINDOW_SIZE).map_err(errno)?;
        // A file that shrank would end the sentry by SIGBUS.
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&file, seals).map_err(errno)?;
        let length = usize::try_from(WINDOW_SIZE).map_err(|_| Errno::ENOMEM)?;
        let shared = SharedMapping::new(file.as_fd(), length)?;
        Ok((Self { shared }, file))
    }

    fn head(&self) -> &interface::Window {
        self.shared.head()
    }

    /// The word of the request that lies there, taken or not.
    pub(super) fn word(&self) -> Word {
        Word(self.head().request.load(Ordering::Acquire))
    }

    /// The request of this word, which is still there: its thread waits for the answer.
    pub(super) fn request(&self, word: Word) -> SyscallArgs {
        let head = self.head();
        let args = head.args.each_ref().map(|word| word.load(Ordering::Relaxed));
        SyscallArgs { number: word.number(), args, ip: head.resume.load(Ordering::Relaxed) }
    }

    /// The pieces of the request of this word. Returns how many there are.
    pub(super) fn pieces(&self, word: Word, into: &mut [Piece; EXTENTS]) -> usize {
        let extents = core::mem::offset_of!(interface::Window, extents);
        for (number, piece) in into.iter_mut().enumerate().take(word.extents()) {
            // The copy is what counts from here on.
            let extent =
                self.shared.read::<interface::Extent>(extents + number * size_of::<interface::Extent>());
            *piece = extent.as_ref().and_then(Piece::checked).unwrap_or(Piece::NONE);
        }
        word.extents()
    }

    /// Puts the result of this request where the thread finds it, and how many bytes of each piece were written.
    pub(super) fn finish(&self, serial: u64, result: u64, written: &[usize; EXTENTS]) {
        self.put(serial, result, written, reply::DONE);
    }

    fn put(&self, serial: u64, result: u64, written: &[usize; EXTENTS], how: u64) {
        let head = self.head();
        for (dirty, written) in head.reply.dirty.iter().zip(written) {
            dirty.store(u32::try_from(*written).unwrap_or(0), Ordering::Relaxed);
        }
        head.reply.result.store(result, Ordering::Relaxed);
        // If the thread is about to ring its ring will find the result.
        head.reply.word.store(serial << reply::SERIAL_SHIFT | how, Ordering::Release);
    }

    /// The thread's signal mask when it made its last request.
    pub(super) fn mask(&self) -> u64 {
        self.head().told.mask.load(Ordering::Relaxed)
    }

    /// The mask that the thread goes on with, while it waits for an answer: it will tell again with its next request.
    pub(super) fn set_mask(&self, mask: u64) {
        self.head().told.mask.store(mask, Ordering::Relaxed);
    }

    /// As [`Self::finish`], with a handler to be started behind the call.
    pub(super) fn finish_with_handler(
        &self,
        serial: u64,
        result: u64,
        written: &[usize; EXTENTS],
        entry: &[u64],
    ) {
        let bytes: Vec<u8> = entry.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.shared.write(WINDOW_ENTRY, &bytes);
        self.put(serial, result, written, reply::DONE | reply::ENTERS);
    }

    /// Where the thread goes on after its last request.
    pub(super) fn resume(&self) -> u64 {
        self.head().resume.load(Ordering::Relaxed)
    }

    /// Tells a thread that still looks at the window that this request will take long.
    pub(super) fn waits(&self, serial: u64) {
        self.head().reply.word.store(serial << reply::SERIAL_SHIFT | reply::WAITS, Ordering::Release);
    }

    /// Whether [`Self::waits`] was the last that was said.
    pub(super) fn was_told_to_wait(&self, serial: u64) -> bool {
        self.head().reply.word.load(Ordering::Relaxed) == serial << reply::SERIAL_SHIFT | reply::WAITS
    }

    /// Says whether and on which processor somebody polls, and how many pauses the thread should wait.
    pub(super) fn set_poller(&self, processor: Option<u64>, budget: u64) {
        let head = self.head();
        let word = processor.map_or(0, |number| number + 1);
        if head.poller.processor.load(Ordering::Relaxed) != word {
            head.poller.budget.store(budget, Ordering::Relaxed);
            head.poller.processor.store(word, Ordering::Release);
        }
    }

    /// Whether the thread may believe that somebody polls.
    pub(super) fn has_poller(&self) -> bool {
        self.head().poller.processor.load(Ordering::Relaxed) != 0
    }

    /// Copies from a piece.
    pub(super) fn read(&self, piece: &Piece, from: usize, into: &mut [u8]) {
        self.shared.read_bytes(piece.offset + from, into);
    }

    /// Copies to a piece.
    pub(super) fn write(&self, piece: &Piece, at: usize, from: &[u8]) {
        self.shared.write(piece.offset + at, from);
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Word {
    /// Whether it is for whoever polls.
    pub(super) const fn is_posted(self) -> bool {
        self.0 & 0xff == request::POSTED
    }

    /// Which of the thread's requests it is; 0 if there has not been any.
    pub(super) const fn serial(self) -> u64 {
        self.0 >> request::SERIAL_SHIFT & request::SERIAL
    }

    /// How many pieces of memory go with the request.
    pub(super) fn extents(self) -> usize {
        usize::try_from(self.0 >> request::COUNT_SHIFT & request::COUNT).unwrap_or(0).min(EXTENTS)
    }

    const fn number(self) -> u64 {
        self.0 >> request::NUMBER_SHIFT
    }
}

impl Piece {
    /// One that nothing lies in.
    pub(super) const NONE: Self = Self { address: 0, length: 0, offset: 0, kind: 0, dirty: 0 };

    /// The piece, if it lies within the window's data.
    fn checked(extent: &interface::Extent) -> Option<Self> {
        let length = u64::from(extent.length & extent::LENGTH);
        let offset = u64::from(extent.offset);
        let inside = offset >= WINDOW_DATA && offset + length <= WINDOW_DATA + WINDOW_CAPACITY;
        extent.address.checked_add(length)?;
        inside.then_some(())?;
        Some(Self {
            address: extent.address,
            length: usize::try_from(length).ok()?,
            offset: usize::try_from(offset).ok()?,
            kind: extent.length >> extent::KIND_SHIFT,
            dirty: 0,
        })
    }

    /// Where in the piece this range starts, if the piece has all of it.
    pub(super) fn place(&self, address: u64, length: usize) -> Option<usize> {
        let at = usize::try_from(address.checked_sub(self.address)?).ok()?;
        (at.checked_add(length)? <= self.length).then_some(at)
    }

    /// Whether the range and the piece's first `length` bytes have a byte in common.
    pub(super) fn overlaps(&self, length: usize, address: u64, other: usize) -> bool {
        let (length, other) = (u64::try_from(length).unwrap_or(0), u64::try_from(other).unwrap_or(u64::MAX));
        length > 0
            && address < self.address.saturating_add(length)
            && self.address < address.saturating_add(other)
    }

    pub(super) fn is_input(&self) -> bool {
        self.kind & extent::INPUT != 0
    }

    pub(super) fn is_output(&self) -> bool {
        self.kind & extent::OUTPUT != 0
    }

    pub(super) fn is_string(&self) -> bool {
        self.kind & extent::STRING != 0
    }
}

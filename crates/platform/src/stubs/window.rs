//! The sentry's side of a thread's window. Everything in it may be the guest's doing: each word is read once and checked.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use rustix::fs::{MemfdFlags, SealFlags};

use super::calls::SharedMapping;
use super::interface::{
    self, EXTENTS, MOST_WINDOWS, WINDOW_CAPACITY, WINDOW_DATA, WINDOW_SIZE, extent, status,
};
use crate::SyscallArgs;

/// How many windows there may be in a sandbox.
const MOST: u64 = 1024;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Memory that one guest thread shares with the sentry.
pub(super) struct Window {
    shared: SharedMapping<interface::Window>,
}

/// A piece of guest memory that lies in a window, as it was when the call was taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Piece {
    pub(super) address: u64,
    pub(super) length: usize,
    offset: usize,
    kind: u64,
    /// How many of its first bytes have been written.
    pub(super) dirty: usize,
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) args: SyscallArgs,
    pub(super) pieces: [Piece; EXTENTS],
    pub(super) count: usize,
}

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

    /// Takes a request that the thread has rung for.
    pub(super) fn take_rung(&self) -> Option<Request> {
        self.take(status::RUNG)
    }

    /// Takes a request that is posted.
    pub(super) fn take_posted(&self) -> Option<Request> {
        self.take(status::POSTED)
    }

    fn take(&self, wanted: u64) -> Option<Request> {
        let head = self.head();
        let state = head.state.load(Ordering::Acquire);
        if state & 0xff != wanted {
            return None;
        }
        let taken = state & !0xff | status::TAKEN;
        head.state.compare_exchange(state, taken, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        let args = head.args.each_ref().map(|word| word.load(Ordering::Relaxed));
        let ip = head.resume.load(Ordering::Relaxed);
        let count = usize::try_from(state >> 8 & 0xff).unwrap_or(0).min(EXTENTS);
        let mut pieces = [Piece::default(); EXTENTS];
        if count > 0 {
            // The copy is what counts from here on.
            let extents = self.shared.read(core::mem::offset_of!(interface::Window, extents));
            let extents: [interface::Extent; EXTENTS] = extents?;
            for (piece, extent) in pieces.iter_mut().zip(extents).take(count) {
                *piece = Piece::checked(&extent).unwrap_or_default();
            }
        }
        Some(Request { args: SyscallArgs { number: state >> 32, args, ip }, pieces, count })
    }

    /// Puts the result where the thread finds it.
    pub(super) fn finish(&self, result: u64, pieces: &[Piece]) {
        let head = self.head();
        let [first, ..] = &head.args;
        for (at, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.dirty > 0) {
            let place = core::mem::offset_of!(interface::Window, extents)
                + at * size_of::<interface::Extent>()
                + core::mem::offset_of!(interface::Extent, dirty);
            self.shared.write(place, &piece.dirty.to_le_bytes());
        }
        first.store(result, Ordering::Relaxed);
        // If the thread is about to ring its ring will find the result.
        head.state.store(status::DONE, Ordering::Release);
    }

    /// Tells a thread that still looks at the window that this will take long.
    pub(super) fn waits(&self) {
        let head = self.head();
        let state = head.state.load(Ordering::Relaxed);
        if state & 0xff == status::TAKEN {
            // If the thread was faster it parks already.
            let _ = head.state.compare_exchange(
                state,
                state & !0xff | status::WAITS,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
        }
    }

    /// Whether a result lies there.
    pub(super) fn is_done(&self) -> bool {
        self.head().state.load(Ordering::Acquire) & 0xff == status::DONE
    }

    /// Whether the thread waits in [`status::PARKING`].
    pub(super) fn is_parking(&self) -> bool {
        self.head().state.load(Ordering::Acquire) & 0xff == status::PARKING
    }

    /// Whether a request lies there for whoever polls.
    pub(super) fn is_posted(&self) -> bool {
        self.head().state.load(Ordering::Relaxed) & 0xff == status::POSTED
    }

    /// Says whether and on which processor somebody polls, and how many pauses the thread should wait.
    pub(super) fn set_poller(&self, processor: Option<u64>, budget: u64) {
        let head = self.head();
        let word = processor.map_or(0, |number| number + 1);
        if head.poller.0.load(Ordering::Relaxed) != word {
            head.budget.store(budget, Ordering::Relaxed);
            head.poller.0.store(word, Ordering::Release);
        }
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

impl Piece {
    /// The piece, if it lies within the window's data.
    fn checked(extent: &interface::Extent) -> Option<Self> {
        let end = extent.offset.checked_add(extent.length)?;
        let inside = extent.offset >= WINDOW_DATA && end <= WINDOW_DATA + WINDOW_CAPACITY;
        extent.address.checked_add(extent.length)?;
        inside.then_some(())?;
        Some(Self {
            address: extent.address,
            length: usize::try_from(extent.length).ok()?,
            offset: usize::try_from(extent.offset).ok()?,
            kind: extent.kind,
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

//! Guest memory that lies in the window of the call being carried out.
//!
//! A call's handler that runs on the thread that has received the call finds here what the gate has put into the window, and leaves here
//! what the gate is to copy to the guest. That ends when the call is answered, and when it has to wait: what was written is then put into
//! guest memory, and the rest of the call goes there itself, as do the calls of other threads at any time.

use std::cell::RefCell;
use std::io::IoSlice;
use std::sync::Arc;

use super::calls::Direction;
use super::interface::EXTENTS;
use super::process::Process;
use super::thread::StubThread;
use super::window::{Piece, Request, Window};

struct Caller {
    /// Whose call it is, and in whose memory: the two are there as long as [`calling`] runs, and only told apart by these.
    thread: *const StubThread,
    process: *const Process,
    window: Arc<Window>,
    pieces: [Piece; EXTENTS],
    count: usize,
}

thread_local! {
    static CALLER: RefCell<Option<Caller>> = const { RefCell::new(None) };
}

impl Caller {
    fn pieces(&mut self) -> &mut [Piece] {
        self.pieces.get_mut(..self.count).unwrap_or_default()
    }

    /// Puts into guest memory what was written so far.
    fn flush(&mut self, process: &Process) {
        let Self { window, pieces, count, .. } = self;
        for piece in pieces.iter_mut().take(*count).filter(|piece| piece.dirty > 0) {
            let mut bytes = vec![0; core::mem::take(&mut piece.dirty)];
            window.read(piece, 0, &mut bytes);
            // Memory that has gone meanwhile is the guest's own doing.
            let _ = process.transfer(Direction::Write(&bytes), &[(piece.address, bytes.len())]);
        }
    }
}

/// Runs `act`, which delivers the request, with the window's memory at hand.
pub(super) fn calling(thread: &StubThread, window: &Arc<Window>, request: &Request, act: impl FnOnce()) {
    let Request { pieces, count, .. } = *request;
    if count == 0 {
        return act();
    }
    let process = Arc::as_ptr(&thread.process);
    let caller = Caller { thread, process, window: Arc::clone(window), pieces, count };
    let outer = Outer(CALLER.replace(Some(caller)));
    act();
    waits(thread);
    drop(outer);
}

/// The call within which another one is carried out.
struct Outer(Option<Caller>);

impl Drop for Outer {
    fn drop(&mut self) {
        CALLER.set(self.0.take());
    }
}

/// The thread's call is not answered yet: from here on guest memory itself counts.
pub(super) fn waits(thread: &StubThread) {
    if let Some(mut caller) = take(thread) {
        caller.flush(&thread.process);
    }
}

/// The thread's call is answered. Returns how many bytes of each piece the gate is to copy.
pub(super) fn answered(thread: &StubThread) -> [usize; EXTENTS] {
    take(thread).map(|caller| caller.pieces.map(|piece| piece.dirty)).unwrap_or_default()
}

fn take(thread: &StubThread) -> Option<Caller> {
    CALLER.with_borrow_mut(|caller| match caller {
        Some(current) if core::ptr::eq(current.thread, thread) => caller.take(),
        _ => None,
    })
}

/// Runs `act` if a call of this process is being carried out here.
fn of<T>(process: &Process, act: impl FnOnce(&mut Caller) -> Option<T>) -> Option<T> {
    CALLER.with_borrow_mut(|caller| {
        let caller = caller.as_mut().filter(|caller| core::ptr::eq(caller.process, process))?;
        act(caller)
    })
}

/// As [`crate::Memory::read`], if the window has what is wanted.
pub(super) fn read(process: &Process, address: u64, into: &mut [u8]) -> Option<usize> {
    of(process, |caller| {
        let wanted = into.len();
        let Caller { window, pieces, count, .. } = caller;
        for piece in pieces.get_mut(..*count).unwrap_or_default() {
            if let Some(at) = piece.place(address, wanted)
                && (piece.is_input() || at + wanted <= piece.dirty)
            {
                window.read(piece, at, into);
                return Some(wanted);
            }
            if let (true, Some(at)) = (piece.is_string(), piece.place(address, 1)) {
                let part = into.get_mut(..piece.length - at)?;
                window.read(piece, at, part);
                return Some(piece.length - at);
            }
        }
        if caller.pieces().iter().any(|piece| piece.overlaps(piece.dirty, address, wanted)) {
            caller.flush(process);
        }
        None
    })
}

/// As [`crate::Memory::write`], if the window has room for it.
pub(super) fn write(process: &Process, address: u64, from: &[u8]) -> Option<usize> {
    write_gathered(process, address, from.len(), &[IoSlice::new(from)])
}

/// As [`crate::Memory::write_gathered`] of `total` bytes, if the window has room for all of them.
pub(super) fn write_gathered(
    process: &Process,
    address: u64,
    total: usize,
    from: &[IoSlice<'_>],
) -> Option<usize> {
    of(process, |caller| {
        let Caller { window, pieces, count, .. } = caller;
        for piece in pieces.get_mut(..*count).unwrap_or_default() {
            if let Some(at) = piece.place(address, total)
                && piece.is_output()
                && (at <= piece.dirty || piece.is_input())
            {
                let mut to = at;
                for part in from {
                    window.write(piece, to, part);
                    to += part.len();
                }
                piece.dirty = piece.dirty.max(to);
                return Some(total);
            }
        }
        caller.writes_past(process, address, total);
        None
    })
}

/// Guest memory is about to be read or written directly, in pieces.
pub(super) fn bypass(process: &Process, pieces: &[(u64, usize)]) {
    of(process, |caller| {
        pieces.iter().for_each(|(address, length)| caller.writes_past(process, *address, *length));
        Some(())
    });
}

impl Caller {
    /// Guest memory is about to be written directly: what the window has of it is no longer true.
    fn writes_past(&mut self, process: &Process, address: u64, length: usize) {
        if self.pieces().iter().any(|piece| piece.overlaps(piece.dirty, address, length)) {
            self.flush(process);
        }
        for piece in self.pieces() {
            if piece.is_input() && piece.overlaps(piece.length, address, length) {
                *piece = Piece::default();
            }
        }
    }
}

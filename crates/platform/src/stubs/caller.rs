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
use super::window::{Piece, Window, Word};

struct Caller {
    /// Whose call it is, and in whose memory; nobody's if null. Both are there until [`End`], and only told apart by these.
    thread: *const StubThread,
    process: *const Process,
    window: Option<Arc<Window>>,
    pieces: [Piece; EXTENTS],
    count: usize,
}

thread_local! {
    static CALLER: RefCell<Caller> = const { RefCell::new(Caller::nobody()) };
}

impl Caller {
    const fn nobody() -> Self {
        let nobody = core::ptr::null();
        Self {
            thread: nobody,
            process: core::ptr::null(),
            window: None,
            pieces: [Piece::NONE; EXTENTS],
            count: 0,
        }
    }

    fn is(&self, thread: &StubThread) -> bool {
        core::ptr::eq(self.thread, thread)
    }

    fn end(&mut self) {
        self.thread = core::ptr::null();
        self.process = core::ptr::null();
        self.window = None;
    }

    fn pieces(&mut self) -> &mut [Piece] {
        self.pieces.get_mut(..self.count).unwrap_or_default()
    }

    /// Puts into guest memory what was written so far.
    fn flush(&mut self, process: &Process) {
        let Self { window: Some(window), pieces, count, .. } = self else { return };
        for piece in pieces.iter_mut().take(*count).filter(|piece| piece.dirty > 0) {
            let mut bytes = vec![0; core::mem::take(&mut piece.dirty)];
            window.read(piece, 0, &mut bytes);
            // Memory that has gone meanwhile is the guest's own doing.
            let _ = process.transfer(Direction::Write(&bytes), &[(piece.address, bytes.len())]);
        }
    }
}

/// Runs `act`, which delivers the request of this word, with the window's memory at hand.
pub(super) fn calling(thread: &StubThread, window: &Arc<Window>, word: Word, act: impl FnOnce()) {
    if word.extents() == 0 {
        return act();
    }
    let begins = CALLER.with_borrow_mut(|caller| {
        // Within another call guest memory itself will do.
        let begins = caller.thread.is_null();
        if begins {
            caller.thread = thread;
            caller.process = Arc::as_ptr(&thread.process);
            caller.count = window.pieces(word, &mut caller.pieces);
            caller.window = Some(Arc::clone(window));
        }
        begins
    });
    let end = begins.then(|| End(thread));
    act();
    drop(end);
}

/// The end of a call's delivery.
struct End<'a>(&'a StubThread);

impl Drop for End<'_> {
    fn drop(&mut self) {
        waits(self.0);
    }
}

/// The thread's call is not answered yet: from here on guest memory itself counts.
pub(super) fn waits(thread: &StubThread) {
    CALLER.with_borrow_mut(|caller| {
        if caller.is(thread) {
            caller.flush(&thread.process);
            caller.end();
        }
    });
}

/// The thread's call is answered. Returns how many bytes of each piece the gate is to copy.
pub(super) fn answered(thread: &StubThread) -> [usize; EXTENTS] {
    CALLER.with_borrow_mut(|caller| {
        if !caller.is(thread) {
            return [0; EXTENTS];
        }
        caller.end();
        let mut written = [0; EXTENTS];
        written.iter_mut().zip(caller.pieces()).for_each(|(written, piece)| *written = piece.dirty);
        written
    })
}

/// Runs `act` if a call of this process is being carried out here.
fn of<T>(process: &Process, act: impl FnOnce(&mut Caller) -> Option<T>) -> Option<T> {
    CALLER.with_borrow_mut(|caller| core::ptr::eq(caller.process, process).then(|| act(caller)).flatten())
}

/// As [`crate::Memory::read`], if the window has what is wanted.
pub(super) fn read(process: &Process, address: u64, into: &mut [u8]) -> Option<usize> {
    of(process, |caller| {
        let wanted = into.len();
        let Caller { window: Some(window), pieces, count, .. } = caller else { return None };
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
        let Caller { window: Some(window), pieces, count, .. } = caller else { return None };
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
                *piece = Piece::NONE;
            }
        }
    }
}

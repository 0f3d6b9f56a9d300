//! A call through the thread's window: the request and what it reads go in, the result and what was written come out.

use core::sync::atomic::{Ordering, compiler_fence, fence};

use crate::arch::{self, nr, syscall};
use crate::handler::ring;
use crate::interface::{
    EXTENTS, Extent, MOST_PAUSES, PLAIN_WORDS, SLOTS, ThreadPage, WINDOW_CAPACITY, WINDOW_DATA, WINDOW_SIZE,
    WINDOW_STRIDE, WINDOWS, Window, extent, phase, reason, reply, request,
};
use crate::marshal::{Length, Piece, pieces};
use crate::{enter, zygote};

/// A thread gets a window with this call.
const HOT: u64 = 16;
/// There will be no window.
const NONE: u64 = 1;
/// Numbers from here on are another ABI's.
const OTHER_ABI: u64 = 0x4000_0000;
/// What is longer the sentry writes to guest memory itself. That costs a call of the host's, but the bytes do not go through the caches of
/// two processors: at 4 KiB it takes 1.7 us and not 2.1, at 8 KiB 1.9 and not 3.3, at 64 KiB 5 and not 14.
const LONG: u64 = 2048;
/// The longest path, with its NUL.
const PATH_MAX: u64 = 4096;
const EFAULT: u64 = 14u64.wrapping_neg();

/// Makes the call. Returns false if it must be a plain one.
pub fn call(page: &mut ThreadPage) -> bool {
    if is_plain(page.number()) || page.window == NONE {
        return false;
    }
    if page.window == 0 && !open(page) {
        return false;
    }
    // SAFETY: the window is mapped until the thread ends; if the guest has unmapped it that is a fault like others.
    let window = unsafe { &mut *core::ptr::with_exposed_provenance_mut::<Window>(page.window as usize) };
    let Some(count) = load(page, window) else { return false };
    for (word, arg) in window.args.iter().zip(page.arguments()) {
        word.store(arg, Ordering::Relaxed);
    }
    window.resume.store(page.resume(), Ordering::Relaxed);
    window.told.mask.store(page.published.signal_mask, Ordering::Relaxed);
    page.calls = page.calls % request::SERIAL + 1;
    page.phase = phase::POSTED;
    compiler_fence(Ordering::SeqCst);
    let answer = hand_over(window, page.number(), page.calls, count as u64);
    page.result = match unload(window, count) {
        true => answer.result,
        false => EFAULT,
    };
    page.target = page.resume();
    if answer.enters {
        enter::start(page, page.window);
        // There is no room for its frame.
        page.refused = 1;
        page.deferred = 1;
    }
    true
}

fn is_plain(number: u64) -> bool {
    let (word, bit) = (number / 64, number % 64);
    match zygote::plain().get(word as usize) {
        Some(word) => word >> bit & 1 != 0,
        None => number >= OTHER_ABI || word < PLAIN_WORDS as u64,
    }
}

/// Asks for a window if the thread has become hot. Returns whether there is one.
fn open(page: &mut ThreadPage) -> bool {
    page.calls += 1;
    if page.calls < HOT {
        return false;
    }
    page.phase = phase::POSTED;
    compiler_fence(Ordering::SeqCst);
    page.window = map(page.own);
    compiler_fence(Ordering::SeqCst);
    page.phase = phase::ENTRY;
    compiler_fence(Ordering::SeqCst);
    // An interrupt that has come meanwhile is made good by a plain call.
    page.window != NONE && page.deferred == 0
}

/// Has the sentry give a window, and maps it at its slot's place.
fn map(own: u64) -> u64 {
    const READ_WRITE: u64 = 3;
    /// `MAP_SHARED | MAP_FIXED`.
    const FLAGS: u64 = 0x1 | 0x10;
    const DONTFORK: u64 = 10;
    let at = WINDOWS + (own.wrapping_sub(SLOTS) >> zygote::slot_size().trailing_zeros()) * WINDOW_STRIDE;
    let fd = ring(reason::WINDOW, [0; 6]);
    if (fd as i64) < 0 {
        return NONE;
    }
    // SAFETY: the place is the window's; the sentry gives none to slots beyond the last place.
    unsafe {
        let mapped = syscall(nr::MMAP, [at, WINDOW_SIZE, READ_WRITE, FLAGS, fd, 0]);
        syscall(nr::CLOSE, [fd, 0, 0, 0, 0, 0]);
        if mapped != at || syscall(nr::MADVISE, [at, WINDOW_SIZE, DONTFORK, 0, 0, 0]) != 0 {
            return NONE;
        }
    }
    at
}

/// Takes the holes that a parent's windows leave in a copy of its memory.
pub fn close_all(bytes: u64) {
    /// `MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED`.
    const FLAGS: u64 = 0x2 | 0x20 | 0x4000 | 0x10;
    if bytes != 0 {
        // SAFETY: the range is the windows', of which this process has none.
        unsafe { syscall(nr::MMAP, [WINDOWS, bytes, 0, FLAGS, u64::MAX, 0]) };
    }
}

/// Puts into the window what the call reads, and makes sure that what it writes can be written. A fault makes it a plain call.
/// Returns the number of extents, or nothing if the window has no room.
fn load(page: &ThreadPage, window: &mut Window) -> Option<usize> {
    let args = page.arguments();
    let mut count = 0;
    let mut used = 0;
    for piece in pieces(page.number()) {
        let Piece { arg, kind, length } = *piece;
        let kind = u32::from(kind);
        let address = *args.get(arg as usize)?;
        let mut length = match length {
            Length::Bytes(bytes) => u64::from(bytes),
            Length::Argument(at) => *args.get(at as usize)?,
            Length::Items(at, size) => args.get(at as usize)?.checked_mul(u64::from(size))?,
        };
        // The same place within a cache line: the processor copies much faster.
        let offset = used + (address.wrapping_sub(used) & 63);
        let room = WINDOW_CAPACITY - offset.min(WINDOW_CAPACITY);
        let most = if kind & extent::INPUT == 0 { room.min(LONG) } else { room };
        if address == 0 || length == 0 || length > most {
            continue;
        }
        let to = page.window + WINDOW_DATA + offset;
        if kind & extent::STRING != 0 {
            length = copy_string(to, address, length.min(PATH_MAX))?;
        } else if kind & extent::INPUT != 0 {
            // SAFETY: guest memory, in a phase in which faults are looked after.
            unsafe { arch::copy(to, address, length) };
        }
        if kind & extent::OUTPUT != 0 {
            arch::touch(address, length);
        }
        *window.extents.get_mut(count)? = Extent {
            address,
            length: length as u32 | kind << extent::KIND_SHIFT,
            offset: (WINDOW_DATA + offset) as u32,
        };
        count += 1;
        used = offset + length;
    }
    Some(count.min(EXTENTS))
}

/// Copies a string. Returns its length with the NUL, or nothing if there is none within `most` bytes.
fn copy_string(to: u64, from: u64, most: u64) -> Option<u64> {
    let to = core::ptr::with_exposed_provenance_mut::<u8>(to as usize);
    let from = core::ptr::with_exposed_provenance::<u8>(from as usize);
    for at in 0..most as usize {
        // SAFETY: guest memory, in a phase in which faults are looked after; the window has room.
        let byte = unsafe {
            let byte = from.add(at).read_volatile();
            to.add(at).write(byte);
            byte
        };
        if byte == 0 {
            return Some(at as u64 + 1);
        }
    }
    None
}

/// Puts into guest memory what the sentry has written. Returns whether that was possible.
fn unload(window: &Window, count: usize) -> bool {
    let base = (&raw const *window).addr() as u64;
    window.extents.iter().zip(&window.reply.dirty).take(count).all(|(extent, dirty)| {
        let length = dirty.load(Ordering::Relaxed).min(extent.length & extent::LENGTH);
        // SAFETY: guest memory; the copy itself tells of a fault.
        length == 0
            || unsafe { arch::copy(extent.address, base + u64::from(extent.offset), length.into()) }
    })
}

/// How a call has ended.
struct Answer {
    result: u64,
    /// A handler is to be started.
    enters: bool,
}

/// Gives the request to whoever polls, or rings for it.
fn hand_over(window: &Window, number: u64, serial: u64, count: u64) -> Answer {
    let word =
        number << request::NUMBER_SHIFT | count << request::COUNT_SHIFT | serial << request::SERIAL_SHIFT;
    let poller = window.poller.processor.load(Ordering::Relaxed);
    if poller != 0 && poller != 1 + arch::processor() {
        window.request.store(word | request::POSTED, Ordering::Release);
        if let Some(answer) = watch(window, serial) {
            return answer;
        }
    }
    window.request.store(word | request::RUNG, Ordering::Release);
    let rung = ring(reason::CALL, [0; 6]);
    fence(Ordering::Acquire);
    answered(window, serial).unwrap_or(Answer { result: rung, enters: false })
}

/// The answer to this request, if it is there.
fn answered(window: &Window, serial: u64) -> Option<Answer> {
    let word = window.reply.word.load(Ordering::Acquire);
    let done = serial << reply::SERIAL_SHIFT | reply::DONE;
    (word & !reply::ENTERS == done).then(|| Answer {
        result: window.reply.result.load(Ordering::Relaxed),
        enters: word & reply::ENTERS != 0,
    })
}

/// Waits for the poller's answer, as long as that is cheaper than to ring.
fn watch(window: &Window, serial: u64) -> Option<Answer> {
    let waits = serial << reply::SERIAL_SHIFT | reply::WAITS;
    let budget = window.poller.budget.load(Ordering::Relaxed).min(MOST_PAUSES);
    for _ in 0..=budget {
        match window.reply.word.load(Ordering::Acquire) {
            word if word == waits => return None,
            word if word >> reply::SERIAL_SHIFT == serial => return answered(window, serial),
            _ => core::hint::spin_loop(),
        }
    }
    None
}

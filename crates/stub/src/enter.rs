//! Starting a guest's signal handler behind a call through the window: the sentry says which, and the frame is built here, where the registers
//! are.
//!
//! The call has been made by then, so a stack on which there is no room is told to the sentry as the fault that Linux makes of it.

use core::sync::atomic::{Ordering, compiler_fence};

use crate::arch::{self, Registers, UserContext};
use crate::interface::{Entry, PAGE_SIZE, ThreadPage, WINDOW_ENTRY, entry, phase};

/// Below the stack pointer a function may use 128 bytes without saying so.
const RED_ZONE: u64 = 128;
const VECTOR_ALIGNMENT: u64 = 64;

/// A signal frame: `struct rt_sigframe`.
#[repr(C)]
struct Frame {
    restorer: u64,
    context: UserContext,
    info: [u64; 16],
}

/// Builds the frame for what the window says, and goes on in the handler. Returns only if there is no room.
pub fn start(page: &mut ThreadPage, window: u64) {
    let place = core::ptr::with_exposed_provenance::<Entry>((window + WINDOW_ENTRY) as usize);
    // SAFETY: a part of the window, of plain words. The sentry has written it, or a guest that deceives itself.
    let entry = unsafe { place.read_volatile() };
    let Some([at, vector]) = place_of_frame(page, &entry) else { return };
    let [components, size] = page.vector;
    if !is_writable(at, vector + size + 4) {
        return;
    }
    let mask = page.published.signal_mask;
    let again = entry.flags & entry::AGAIN != 0;
    let registers = Registers {
        result: if again { page.number() } else { page.result },
        instruction_pointer: entry.resume,
        vector,
    };
    let frame = Frame {
        restorer: entry.restorer,
        context: UserContext::of_call(page, &registers, entry.stack, entry.fault, mask),
        info: entry.info,
    };
    // SAFETY: memory of the guest's that was found writable; if it is not any more, the fault is the guest's.
    unsafe {
        arch::copy(at, (&raw const frame).addr() as u64, size_of::<Frame>() as u64);
        arch::save_vector(vector, [components, size]);
        arch::clear_vector(components);
    }
    page.entered = [entry.resume, if again { page.resume().wrapping_sub(2) } else { page.resume() }];
    page.next_mask = mask | entry.blocked;
    let context = at + core::mem::offset_of!(Frame, context) as u64;
    let info = at + core::mem::offset_of!(Frame, info) as u64;
    page.set_handler(entry.handler, at, [entry.signal, info, context]);
    compiler_fence(Ordering::SeqCst);
    page.phase = phase::RETURNED;
    compiler_fence(Ordering::SeqCst);
    crate::local::take_mask(page);
    arch::leave_returned()
}

/// Where frame and vector state go, or nothing if that is beyond the alternate stack.
fn place_of_frame(page: &ThreadPage, entry: &Entry) -> Option<[u64; 2]> {
    let [base, _, size] = entry.stack;
    let holds = |at: u64| at > base && at.wrapping_sub(base) <= size;
    let mut sp = page.stack_pointer().wrapping_sub(RED_ZONE);
    let mut alternate = holds(page.stack_pointer());
    if entry.flags & entry::ALTERNATE != 0 && size != 0 && !holds(sp) {
        sp = base.wrapping_add(size);
        alternate = true;
    }
    let [_, vector_size] = page.vector;
    let vector = sp.wrapping_sub(vector_size + 4) & !(VECTOR_ALIGNMENT - 1);
    // As after a call: the return address lies 8 bytes below a multiple of 16.
    let at = (vector.wrapping_sub(size_of::<Frame>() as u64) & !15).wrapping_sub(8);
    let room = vector_size != 0 && at < vector && !(alternate && !holds(at));
    room.then_some([at, vector])
}

/// Whether all of a range that is about to be written can be.
fn is_writable(from: u64, to: u64) -> bool {
    let nothing = 0u8;
    let mut at = from;
    loop {
        // SAFETY: memory that is about to be written; the copy itself tells of a fault.
        if !unsafe { arch::copy(at, (&raw const nothing).addr() as u64, 1) } {
            return false;
        }
        if at == to - 1 {
            return true;
        }
        at = (at & !(PAGE_SIZE - 1)).wrapping_add(PAGE_SIZE).min(to - 1);
    }
}

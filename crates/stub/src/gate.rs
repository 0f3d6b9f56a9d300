//! Calls from patched sites: answered here where that is possible, handed to the sentry without a signal where it is not.
//!
//! The gate runs with the guest's signals unblocked, and any of its instructions may be interrupted. What becomes of the call then
//! depends on how far it is ([`phase`], and [`arch::Part`] for the few instructions in which the registers are in between);
//! [`settle`] makes of every such moment one in which the guest has either not made the call or has made it.
//!
//! The guest's vector state is live in here: the build leaves the compiler no vector instructions.

use core::sync::atomic::{Ordering, compiler_fence};

use crate::arch::{self, Part, Ucontext};
use crate::interface::{BASE, MAILBOX_SIZE, TEXT_SIZE, ThreadPage, phase};
use crate::{local, window, zygote};

const SIGTRAP: i32 = 5;
const SIGURG: i32 = 23;

/// The page of the slot whose signal stack the frame names.
pub fn page(frame: &Ucontext) -> *mut ThreadPage {
    let end = frame.stack_start.wrapping_add(frame.stack_size);
    core::ptr::with_exposed_provenance_mut(end.wrapping_add(MAILBOX_SIZE) as usize)
}

/// What the gate does once the registers are in the page: sets result and target.
pub extern "C" fn gate(page: &mut ThreadPage) {
    if local::change_mask(page) {
        // It is committed already.
    } else if let Some(result) = local::answer(page) {
        page.result = result;
        page.target = page.resume();
    } else if let Some(result) = zygote::program_break().answer(page) {
        page.result = result;
        page.target = page.resume();
    } else if !window::call(page) {
        page.result = page.number();
        page.target = page.resume().wrapping_sub(2);
    }
    compiler_fence(Ordering::SeqCst);
}

/// What the handler does after [`settle`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// As ever: the signal has found guest code, or it looks as if it had.
    Guest,
    /// As if the interrupt signal had found guest code.
    Interrupted,
    /// Nothing: the guest goes on from the frame.
    Settled,
    /// A handler could not be started.
    Refused,
}

/// Looks whether a signal has found the thread in the gate, and gets it out of there.
pub fn settle(signal: i32, frame: &mut Ucontext) -> Found {
    let ip = frame.instruction_pointer();
    if ip.wrapping_sub(BASE) >= TEXT_SIZE {
        return Found::Guest;
    }
    // SAFETY: the slot is mapped; if the guest has unmapped it the process dies, as it deserves. Nothing else refers to the page now.
    let page = unsafe { &mut *page(frame) };
    match (arch::part(ip), page.phase) {
        (Part::Copying, phase::POSTED) if signal != SIGURG => {
            frame.fail_copy();
            return Found::Settled;
        }
        (Part::Before, _) => frame.rewind(),
        (Part::After, _) => {
            let deferred = signal == SIGTRAP && arch::is_deferred(ip);
            return finish(frame, page, signal == SIGURG || deferred);
        }
        (_, phase::ENTRY) => frame.rewind_to(page),
        (_, phase::MASKED) => {
            local::take_mask(page);
            return finish(frame, page, signal == SIGURG);
        }
        (_, phase::RETURNED) => {
            local::take_mask(page);
            return finish(frame, page, signal == SIGURG);
        }
        (_, phase::COMMITTED) => return finish(frame, page, signal == SIGURG),
        (_, phase::POSTED) if signal == SIGURG => {
            page.deferred = 1;
            return Found::Settled;
        }
        // A guest that has jumped in.
        _ => return Found::Guest,
    }
    if signal == SIGURG || page.deferred != 0 {
        page.deferred = 0;
        return Found::Interrupted;
    }
    Found::Settled
}

/// Brings the call to its end.
fn finish(frame: &mut Ucontext, page: &mut ThreadPage, interrupted: bool) -> Found {
    frame.finish(page);
    if core::mem::take(&mut page.refused) != 0 {
        page.deferred = 0;
        return Found::Refused;
    }
    if interrupted || page.deferred != 0 {
        page.deferred = 0;
        return Found::Interrupted;
    }
    Found::Settled
}

/// Gives a new thread or process its page.
pub fn adopt(frame: &Ucontext) {
    if !zygote::fsgsbase() {
        return;
    }
    let page = page(frame);
    let own = page.addr() as u64;
    // SAFETY: as in `settle`.
    unsafe {
        (*page).own = own;
        (*page).deferred = 0;
        // A window is its thread's alone, and a copy of the memory does not have it.
        (*page).window = 0;
        (*page).calls = 0;
        (*page).refused = 0;
        (*page).vector = arch::vector_layout(frame.vector_state).unwrap_or_default();
    }
    let [_, gs] = arch::bases(true);
    if is_ours(gs) {
        arch::set_gs(own);
    }
}

/// Whether a GS base is the stub's doing.
pub fn is_ours(gs: u64) -> bool {
    gs >> 32 == BASE >> 32
}

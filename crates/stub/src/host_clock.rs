//! The host's vDSO, which the guests' vDSO calls: no thread is stopped in there.
//!
//! What a stopped thread has in its registers and what a signal handler's frame holds may be moved to another host, and is shown to guests
//! and their debuggers. So a thread that is interrupted in there goes on, step by step, until it is out.

use crate::arch::Ucontext;
use crate::gate::{self, Found};
use crate::interface::{HOST_VDSO, HOST_VDSO_SIZE};

const SIGTRAP: i32 = 5;
const SIGURG: i32 = 23;

/// Looks whether an interrupt has found the thread in there.
pub fn leave(signal: i32, frame: &mut Ucontext) -> Found {
    let inside = frame.instruction_pointer().wrapping_sub(HOST_VDSO) < HOST_VDSO_SIZE;
    // SAFETY: the slot is mapped; if the guest has unmapped it the process dies, as it deserves. Nothing else refers to the page now.
    let page = unsafe { &mut *gate::page(frame) };
    let stepping = page.stepping != 0;
    match signal {
        // Whoever steps already wants to see each step.
        SIGURG if inside && !stepping && !frame.steps() => {
            page.stepping = 1;
            frame.set_steps(true);
            Found::Settled
        }
        SIGURG | SIGTRAP if stepping && inside => Found::Settled,
        SIGURG | SIGTRAP if stepping => {
            page.stepping = 0;
            frame.set_steps(false);
            Found::Interrupted
        }
        _ => Found::Guest,
    }
}

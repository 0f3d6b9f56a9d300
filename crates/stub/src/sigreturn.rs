//! Coming back from a guest's signal handler, rt_sigreturn(2), without the sentry.
//!
//! The call arrives as a trap, from whose handler the thread goes on in here as if it had come through the gate: with the guest's signals
//! unblocked, on the page's stack. What cannot be done here (a frame that cannot be read or is not as the sentry has written it, another
//! alternate stack) becomes a plain call, which the sentry carries out or refuses.

use core::sync::atomic::{Ordering, compiler_fence};

use crate::arch::{self, Ucontext, UserContext, nr};
use crate::interface::{ThreadPage, local, phase};
use crate::{gate, zygote};

/// SIGKILL and SIGSTOP.
const UNBLOCKABLE: u64 = 1 << 8 | 1 << 18;

/// Has the trapped thread go on in [`restore`], if its call is one that can be tried here. Returns whether it does.
pub fn divert(frame: &mut Ucontext) -> bool {
    let (number, _) = frame.call();
    if number != nr::RT_SIGRETURN || frame.steps() || !zygote::fsgsbase() {
        return false;
    }
    let [_, gs] = arch::bases(true);
    if !gate::is_ours(gs) {
        return false;
    }
    // SAFETY: the slot is mapped; if the guest has unmapped it the process dies, as it deserves. Nothing else refers to the page now.
    let page = unsafe { &mut *gate::page(frame) };
    // It is here again: it could not be done.
    let tried = core::mem::take(&mut page.tried) != 0;
    let [_, vector_size] = page.vector;
    if tried || vector_size == 0 || page.published.local & local::SIGRETURN == 0 {
        return false;
    }
    page.tried = 1;
    page.phase = phase::ENTRY;
    frame.divert(page);
    true
}

/// Restores what the frame at the guest's stack pointer holds. Returns false if that must be a plain call.
pub extern "C" fn restore(page: &mut ThreadPage) -> bool {
    if !load(page) {
        page.result = page.number();
        page.target = page.resume().wrapping_sub(2);
        compiler_fence(Ordering::SeqCst);
        return false;
    }
    compiler_fence(Ordering::SeqCst);
    page.phase = phase::RETURNED;
    compiler_fence(Ordering::SeqCst);
    crate::local::take_mask(page);
    page.tried = 0;
    true
}

/// Reads the frame, and loads its vector state: whatever comes between, that of the handler is not needed any more.
fn load(page: &mut ThreadPage) -> bool {
    let mut context = UserContext::default();
    let length = size_of::<UserContext>() as u64;
    // SAFETY: a variable; a fault makes it a plain call.
    unsafe { arch::copy((&raw mut context).addr() as u64, page.stack_pointer(), length) };
    let ([base, flags, size], known) = (context.stack(), page.published.alternate_stack);
    if !matches!(known, [b, f, s] if b == base && f == flags && s == size) {
        return false;
    }
    // SAFETY: guest memory; as above.
    if unsafe { arch::vector_layout(context.vector_state) } != Some(page.vector) {
        return false;
    }
    // SAFETY: the handler's vector state is the guest's to lose; as above.
    unsafe { arch::load_vector(context.vector_state, page.vector) };
    page.next_mask = context.mask & !UNBLOCKABLE;
    context.put_into(page);
    page.go_on_where_it_was();
    true
}

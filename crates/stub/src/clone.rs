//! Threads and processes.

use crate::arch::{self, FRAME_TO_CONTEXT, Ucontext, nr, syscall};
use crate::{gate, local, zygote};
use crate::handler::{mailbox, ring, save_bases, serve};
use crate::interface::{CloneRecord, reason};
use crate::memory::memcpy;

/// Makes the clone. Returns in the parent with the child's id or an error, and with 0 in a child that has a copy of the
/// memory. A child in the same memory gets a copy of the frame, in its own slot, and goes to [`child`].
pub fn make(frame: &mut Ucontext, record: &CloneRecord) -> u64 {
    if record.chunk[1] != 0 {
        const READ_WRITE: u64 = 3;
        // SAFETY: the sentry names slots that have never been used.
        let result =
            unsafe { syscall(nr::MPROTECT, [record.chunk[0], record.chunk[1], READ_WRITE, 0, 0, 0]) };
        if result != 0 {
            return result;
        }
    }
    let stack = match record.slot_distance {
        0 => 0,
        distance => copy_frame(frame, distance, record),
    };
    // SAFETY: the frame has just been made.
    let result = unsafe { arch::clone(record.flags, stack, record.child_tid, record.tls, record.token) };
    if result == 0 {
        if record.child_rsp != 0 {
            frame.set_stack_pointer(record.child_rsp);
        }
        zygote::program_break().let_go();
        // SAFETY: the page is mapped, as the slot is.
        local::endow(unsafe { &mut (*gate::page(frame)).published }, record);
    }
    result
}

/// Copies the frame to the slot this far away and makes its pointers fit. Returns where it starts.
fn copy_frame(frame: &Ucontext, distance: u64, record: &CloneRecord) -> u64 {
    let from = (&raw const *frame).addr() as u64 - FRAME_TO_CONTEXT;
    let to = from.wrapping_add(distance);
    let length = mailbox(frame).addr() as u64 - from;
    // SAFETY: the distance is the sentry's; the slot there is accessible and unused.
    let copy = unsafe {
        memcpy(
            core::ptr::with_exposed_provenance_mut(to as usize),
            core::ptr::with_exposed_provenance(from as usize),
            length as usize,
        );
        &mut *core::ptr::with_exposed_provenance_mut::<Ucontext>((to + FRAME_TO_CONTEXT) as usize)
    };
    copy.stack_start = copy.stack_start.wrapping_add(distance);
    // SAFETY: both slots have a page.
    unsafe {
        let mut published = (*gate::page(frame)).published;
        local::endow(&mut published, record);
        (*gate::page(copy)).published = published;
    }
    if copy.vector_state != 0 {
        copy.vector_state = copy.vector_state.wrapping_add(distance);
    }
    if record.child_rsp != 0 {
        copy.set_stack_pointer(record.child_rsp);
    }
    to
}

/// Where a child on its own frame starts. When this returns the frame is returned from.
pub extern "C" fn child(frame: &mut Ucontext, token: u64) {
    let answer = report_child(frame, token);
    serve(frame, answer);
}

/// Tells the sentry that this child is there.
pub fn report_child(frame: &mut Ucontext, token: u64) -> u64 {
    gate::adopt(frame);
    save_bases(frame);
    ring(reason::HELLO, [(&raw const *frame).addr() as u64, token, 0, 0, 0, 0])
}

//! Calls that need no sentry: answered from what it has published in the thread's page.
//!
//! An answer that changes something must do so with its last store, or be one that can be given twice: an interrupt before the gate's end makes
//! the call a plain one.

use core::sync::atomic::{Ordering, compiler_fence, fence};

use crate::arch;
use crate::interface::{CloneRecord, Published, ThreadPage, local, phase};

const EINVAL: u64 = 22u64.wrapping_neg();

const GETPID: u64 = 39;
const GETUID: u64 = 102;
const GETGID: u64 = 104;
const GETEUID: u64 = 107;
const GETEGID: u64 = 108;
const GETTID: u64 = 186;
const GETCPU: u64 = 309;
const SET_ROBUST_LIST: u64 = 273;

/// rt_sigprocmask(2), if the sentry has left it to the gate. What is wrong with a call the sentry says. Returns whether it has been made.
pub fn change_mask(page: &mut ThreadPage) -> bool {
    const RT_SIGPROCMASK: u64 = 14;
    const SIZE: u64 = 8;
    /// SIGKILL and SIGSTOP.
    const UNBLOCKABLE: u64 = 1 << 8 | 1 << 18;
    if page.number() != RT_SIGPROCMASK || page.published.local & local::SIGNAL_MASK == 0 {
        return false;
    }
    let [how, set, old, size, ..] = page.arguments();
    // A call that is interrupted here is made again, and must read the same then.
    if size != SIZE || (set != 0 && old.abs_diff(set) < SIZE) {
        return false;
    }
    let before = page.published.signal_mask;
    let mut after = before;
    if set != 0 {
        let mut new = 0;
        // SAFETY: a variable; a fault makes it a plain call.
        unsafe { arch::copy((&raw mut new).addr() as u64, set, SIZE) };
        after = match how as u32 {
            0 => before | new,
            1 => before & !new,
            2 => new,
            _ => return false,
        } & !UNBLOCKABLE;
    }
    if old != 0 {
        // SAFETY: the guest's memory; as above.
        unsafe { arch::copy(old, (&raw const before).addr() as u64, SIZE) };
    }
    page.next_mask = after;
    page.result = 0;
    page.target = page.resume();
    compiler_fence(Ordering::SeqCst);
    page.phase = phase::MASKED;
    compiler_fence(Ordering::SeqCst);
    take_mask(page);
    true
}

/// The second half of [`change_mask`], which may be done twice. The sentry first says that a signal waits and then reads the mask.
pub fn take_mask(page: &mut ThreadPage) {
    let published = &raw mut page.published;
    // SAFETY: a part of the page; the sentry reads and writes it at any time.
    let waits = unsafe {
        (&raw mut (*published).signal_mask).write_volatile(page.next_mask);
        fence(Ordering::SeqCst);
        (&raw const (*published).attention).read_volatile()
    };
    if waits != 0 {
        page.deferred = 1;
    }
}

/// What a child has of its own.
pub fn endow(published: &mut Published, record: &CloneRecord) {
    // A thread beside its parent begins without the alternate stack.
    const CLONE_VM: u64 = 0x100;
    let without = if record.flags & CLONE_VM != 0 { local::SIGRETURN } else { 0 };
    *published = Published {
        local: record.local & !without,
        process: record.process,
        thread: record.thread,
        robust_list: [0; 2],
        attention: 0,
        ..*published
    };
}

/// The result, if the sentry has left the call to the gate.
pub fn answer(page: &mut ThreadPage) -> Option<u64> {
    let known = &page.published;
    match page.number() {
        GETPID => identity(known, known.process),
        GETTID => identity(known, known.thread),
        GETUID => identity(known, known.user),
        GETEUID => identity(known, known.effective_user),
        GETGID => identity(known, known.group),
        GETEGID => identity(known, known.effective_group),
        GETCPU if known.local & local::IDENTITY != 0 => Some(getcpu(page)),
        SET_ROBUST_LIST if known.local & local::ROBUST_LIST != 0 => Some(set_robust_list(page)),
        _ => None,
    }
}

fn identity(known: &Published, value: u64) -> Option<u64> {
    (known.local & local::IDENTITY != 0).then_some(value)
}

/// getcpu(2), as the vDSO tells it.
fn getcpu(page: &ThreadPage) -> u64 {
    const PROCESSOR: u64 = 0xfff;
    const PROCESSOR_BITS: u64 = 12;
    let [processor, node, ..] = page.arguments();
    let place = arch::place();
    for (at, value) in [(processor, place & PROCESSOR), (node, place >> PROCESSOR_BITS)] {
        if at != 0 {
            let value = value as u32;
            // SAFETY: the guest's memory; a fault makes it a plain call.
            unsafe { arch::copy(at, (&raw const value).addr() as u64, size_of::<u32>() as u64) };
        }
    }
    0
}

/// set_robust_list(2): the kernel looks at the list when the thread ends.
fn set_robust_list(page: &mut ThreadPage) -> u64 {
    /// `sizeof(struct robust_list_head)`.
    const HEAD: u64 = 24;
    let [head, length, ..] = page.arguments();
    if length != HEAD {
        return EINVAL;
    }
    page.published.robust_list = [head, length];
    0
}

//! Calls that need no sentry: answered from what it has published in the thread's page.
//!
//! An answer that changes something must do so with its last store, or be one that can be given twice: an interrupt before the gate's end makes
//! the call a plain one.

use crate::interface::{Published, ThreadPage, local};

const ENOSYS: u64 = 38u64.wrapping_neg();
const EINVAL: u64 = 22u64.wrapping_neg();

const GETPID: u64 = 39;
const GETUID: u64 = 102;
const GETGID: u64 = 104;
const GETEUID: u64 = 107;
const GETEGID: u64 = 108;
const GETTID: u64 = 186;
const SET_ROBUST_LIST: u64 = 273;
const RSEQ: u64 = 334;

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
        SET_ROBUST_LIST if known.local & local::ROBUST_LIST != 0 => Some(set_robust_list(page)),
        RSEQ if known.local & local::NO_RSEQ != 0 => Some(ENOSYS),
        _ => None,
    }
}

fn identity(known: &Published, value: u64) -> Option<u64> {
    (known.local & local::IDENTITY != 0).then_some(value)
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

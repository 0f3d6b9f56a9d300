//! Robust futexes (get_robust_list(2)): locks whose owner has died are marked so, and a waiter of each is woken.
//!
//! The thread keeps a list of the locks it holds in its own memory. It may be broken, endless, or point anywhere: every access
//! is one to the guest's own memory that may fail, which ends the walk, and the number of steps is bounded as in Linux.

use std::sync::Arc;

use platform::Memory;
use zerocopy::{FromBytes, IntoBytes};

use crate::memory::{UserAddr, UserPtr, read_exact};
use crate::{Task, ThreadGroup};

/// `ROBUST_LIST_LIMIT`.
const LIMIT: usize = 2048;
const FUTEX_WAITERS: u32 = 0x8000_0000;
const FUTEX_OWNER_DIED: u32 = 0x4000_0000;
const FUTEX_TID_MASK: u32 = 0x3fff_ffff;
/// The bit of a link that tells a priority-inheriting lock.
const INHERITS: u64 = 1;

/// `struct robust_list_head`.
#[derive(Clone, Copy, FromBytes, IntoBytes)]
#[repr(C)]
struct Head {
    /// The first entry; the head itself if there is none.
    first: u64,
    /// From an entry to its futex.
    offset: u64,
    /// An entry that is being put in or taken out.
    pending: u64,
}

/// Marks what a thread holds, which is about to end while its process goes on. Returns the futexes of which a waiter is to be woken.
pub(crate) fn thread_dies(task: &Task) -> Vec<u64> {
    let (head, _) = task.robust_list();
    task.attributes().robust_list = (0, 0);
    let tid = u32::try_from(task.own_tid()).unwrap_or_default();
    if head == 0 { Vec::new() } else { walk(&*task.memory(), head, tid) }
}

/// Marks what the threads of a process hold, which is about to be killed. Who waits for any of it lives in another process, and nobody can
/// tell which: all that wait in the host are made to look again. It is a rare event.
pub(crate) fn process_dies(group: &Arc<ThreadGroup>) {
    let held = group.tasks().iter().map(|task| thread_dies(task).len()).sum::<usize>();
    if held == 0 {
        return;
    }
    let others = group.kernel.pids.groups().into_iter().filter(|other| !Arc::ptr_eq(other, group));
    for thread in others.flat_map(|other| other.tasks()).filter_map(|task| task.thread()) {
        // In a native futex wait this compares the word anew. Anywhere else it does nothing.
        thread.interrupt();
    }
}

fn walk(memory: &dyn Memory, at: u64, tid: u32) -> Vec<u64> {
    let mut wake = Vec::new();
    let mut bytes = [0; size_of::<Head>()];
    if read_exact(memory, UserAddr(at), &mut bytes).is_err() {
        return wake;
    }
    let Head { first, offset, pending } = zerocopy::transmute!(bytes);
    let mut mark = |entry: u64, pending: bool| -> Option<()> {
        let futex = (entry & !INHERITS).wrapping_add(offset);
        if mark(memory, futex, tid, pending)? && entry & INHERITS == 0 {
            wake.push(futex);
        }
        Some(())
    };
    let mut steps = || {
        let mut entry = first;
        for _ in 0..LIMIT {
            if entry & !INHERITS == at {
                break;
            }
            // Once the lock is marked the entry may be somebody else's.
            let next = UserPtr::<u64>::new(entry & !INHERITS).read(memory).ok();
            if entry & !INHERITS != pending & !INHERITS {
                mark(entry, false)?;
            }
            entry = next?;
        }
        if pending & !INHERITS != 0 {
            mark(pending, true)?;
        }
        Some(())
    };
    // A list that breaks off has been followed as far as it goes.
    let _ = steps();
    wake
}

/// Marks a lock if the thread holds it. Whether a waiter is to be woken: always then, because one may be going to sleep at this moment. Nothing if it cannot
/// be read or written.
fn mark(memory: &dyn Memory, futex: u64, tid: u32, pending: bool) -> Option<bool> {
    if !futex.is_multiple_of(4) {
        return None;
    }
    let word = UserPtr::<u32>::new(futex);
    let value = word.read(memory).ok()?;
    if pending && value == 0 {
        // It was unlocked, and died before it woke who waits.
        return Some(true);
    }
    if value & FUTEX_TID_MASK != tid {
        return Some(false);
    }
    // Others only ever add the waiters' bit to a lock that is held; if that is lost, the wake-up makes up for it.
    word.write(memory, &(value & FUTEX_WAITERS | FUTEX_OWNER_DIED)).ok()?;
    Some(true)
}

#[cfg(test)]
mod tests {
    use platform::mock::MockMemory;

    use super::*;

    const AT: u64 = 0x10_0000;
    const TID: u32 = 77;

    /// A memory with a list of these entries, in order, each with its futex 16 bytes behind it.
    fn list(entries: &[u64], pending: u64) -> MockMemory {
        let memory = MockMemory::new(1);
        memory.map(AT, 0x4000);
        let nexts = entries.iter().copied().chain([AT]).collect::<Vec<_>>();
        UserPtr::new(AT).write_many(&memory, &[nexts[0], 16, pending]).unwrap();
        for (entry, next) in entries.iter().zip(&nexts[1..]) {
            let _ = UserPtr::new(*entry & !1).write(&memory, next);
        }
        memory
    }

    fn hold(memory: &MockMemory, entry: u64, value: u32) {
        UserPtr::new(entry + 16).write(memory, &value).unwrap();
    }

    fn value(memory: &MockMemory, entry: u64) -> u32 {
        UserPtr::new(entry + 16).read(memory).unwrap()
    }

    #[test]
    fn locks_that_are_held_are_marked_and_others_left_alone() {
        let [a, b, c, d] = [AT + 0x100, AT + 0x200, AT + 0x300, AT + 0x400];
        let memory = list(&[a, b, c | 1], d);
        for (entry, word) in [(a, TID), (b, TID + 1), (c, TID | FUTEX_WAITERS), (d, 0)] {
            hold(&memory, entry, word);
        }
        assert_eq!(walk(&memory, AT, TID), [a + 16, d + 16]);
        let words = [a, b, c, d].map(|entry| value(&memory, entry));
        assert_eq!(words, [FUTEX_OWNER_DIED, TID + 1, FUTEX_OWNER_DIED | FUTEX_WAITERS, 0]);
        assert_eq!(walk(&list(&[], 0), AT, TID), []);
    }

    #[test]
    fn a_hostile_list_ends_the_walk() {
        let [a, b] = [AT + 0x100, AT + 0x200];
        // A circle, each of whose locks can be marked only once.
        let memory = list(&[a, b], 0);
        UserPtr::new(b).write(&memory, &a).unwrap();
        hold(&memory, a, TID);
        assert_eq!(walk(&memory, AT, TID), [a + 16]);
        // Thread 0 holds nothing, and free locks are everywhere in such a list.
        hold(&memory, a, 0);
        assert!(walk(&memory, AT, 0).len() <= LIMIT);
        // Nowhere, and not aligned.
        for bad in [0x10, u64::MAX - 7, AT + 0x101 + 2] {
            let memory = list(&[a, bad], b);
            hold(&memory, a, TID);
            hold(&memory, b, TID);
            assert_eq!(walk(&memory, AT, TID), [a + 16], "{bad:#x}");
            assert_eq!(value(&memory, b), TID, "Linux does not look at what is pending after that either");
        }
        assert_eq!(walk(&memory, AT - 8, TID), []);
    }
}

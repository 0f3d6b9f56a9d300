//! Semaphores: semop(2), semctl(2).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use abi::Errno;
use parking_lot::Mutex;
use vfs::{Events, WaitQueue};

/// The largest value: `SEMVMX`.
pub const VALUE_MAX: u16 = 32_767;
/// Adjustments that wait for the ends of processes, for each set.
const UNDO_MAX: usize = 65_536;

/// A set of semaphores.
pub struct Set {
    state: Mutex<State>,
    /// Notified when a value has changed, and when the set is removed.
    pub changed: Arc<WaitQueue>,
    /// When an operation was done last, in seconds since 1970; 0 for never.
    pub operated: AtomicI64,
}

struct State {
    semaphores: Vec<Semaphore>,
    /// What is added to which semaphore when a list ends: by list and number.
    undo: BTreeMap<(u64, usize), i16>,
}

#[derive(Clone, Copy, Default)]
struct Semaphore {
    value: u16,
    /// Process that changed it last.
    pid: i32,
    /// Tasks that wait for it to grow, and to become zero.
    growing: u32,
    zero: u32,
}

/// One operation of semop(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Which semaphore.
    pub number: usize,
    /// What is added; 0 waits for zero.
    pub by: i16,
    /// `IPC_NOWAIT`.
    pub nonblocking: bool,
    /// `SEM_UNDO`.
    pub undo: bool,
}

/// Why operations cannot be done now: one of them has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// It must not wait.
    pub nonblocking: bool,
    number: usize,
    zero: bool,
}

/// Counts a task as waiting.
pub struct Waiting<'a>(&'a Set, Blocked);

impl Set {
    /// A set of so many, all zero.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let semaphores = vec![Semaphore::default(); count];
        let state = Mutex::new(State { semaphores, undo: BTreeMap::new() });
        Self { state, changed: WaitQueue::new(), operated: AtomicI64::new(0) }
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.state.lock().semaphores.len()
    }

    /// Does all operations for a process, or none. `list` is where those go that are to be undone. The second result tells what has to be waited for.
    ///
    /// # Errors
    /// `EFBIG` for a number that is none, `ERANGE`, `ENOSPC` with too much to undo.
    pub fn operate(
        &self,
        pid: i32,
        list: u64,
        operations: &[Operation],
    ) -> Result<Result<(), Blocked>, Errno> {
        let mut state = self.state.lock();
        if operations.iter().any(|o| o.number >= state.semaphores.len()) {
            return Err(Errno::EFBIG);
        }
        let mut values = BTreeMap::new();
        let mut undo = BTreeMap::new();
        for operation in operations {
            let number = operation.number;
            let old = values.get(&number).copied().unwrap_or_else(|| state.value(number));
            let blocked = Blocked { nonblocking: operation.nonblocking, number, zero: operation.by == 0 };
            if operation.by == 0 && old != 0 {
                return Ok(Err(blocked));
            }
            let Some(new) = old.checked_add_signed(operation.by) else { return Ok(Err(blocked)) };
            if new > VALUE_MAX {
                return Err(Errno::ERANGE);
            }
            values.insert(number, new);
            if operation.undo && operation.by != 0 {
                let known = state.undo.get(&(list, number)).copied().unwrap_or(0);
                let adjusted = undo.entry((list, number)).or_insert(known);
                *adjusted = adjusted.checked_sub(operation.by).ok_or(Errno::ERANGE)?;
            }
        }
        if state.undo.len().saturating_add(undo.len()) > UNDO_MAX {
            return Err(Errno::ENOSPC);
        }
        state.undo.extend(undo);
        state.undo.retain(|_, by| *by != 0);
        for operation in operations {
            if let Some(semaphore) = state.semaphores.get_mut(operation.number) {
                semaphore.value = values.get(&operation.number).copied().unwrap_or(semaphore.value);
                semaphore.pid = pid;
            }
        }
        drop(state);
        self.operated.store(super::now(), Ordering::Relaxed);
        if operations.iter().any(|o| o.by != 0) {
            self.changed.notify(Events::IN);
        }
        Ok(Ok(()))
    }

    /// Counts a task as waiting until the result is dropped.
    #[must_use]
    pub fn wait(&self, blocked: Blocked) -> Waiting<'_> {
        let mut state = self.state.lock();
        if let Some(count) = state.waiters(blocked) {
            *count = count.saturating_add(1);
        }
        drop(state);
        Waiting(self, blocked)
    }

    /// Value, last process, and how many wait for it to grow and to become zero.
    ///
    /// # Errors
    /// `EINVAL` for a number that is none.
    pub fn get(&self, number: usize) -> Result<(u16, i32, u32, u32), Errno> {
        let state = self.state.lock();
        let s = state.semaphores.get(number).ok_or(Errno::EINVAL)?;
        Ok((s.value, s.pid, s.growing, s.zero))
    }

    /// All values.
    #[must_use]
    pub fn values(&self) -> Vec<u16> {
        self.state.lock().semaphores.iter().map(|s| s.value).collect()
    }

    /// Sets one value; nothing is undone for it any longer.
    ///
    /// # Errors
    /// `EINVAL` for a number that is none, `ERANGE`.
    pub fn set(&self, pid: i32, number: usize, value: u16) -> Result<(), Errno> {
        if value > VALUE_MAX {
            return Err(Errno::ERANGE);
        }
        let mut state = self.state.lock();
        let semaphore = state.semaphores.get_mut(number).ok_or(Errno::EINVAL)?;
        (semaphore.value, semaphore.pid) = (value, pid);
        state.undo.retain(|(_, n), _| *n != number);
        drop(state);
        self.changed.notify(Events::IN);
        Ok(())
    }

    /// Sets all values.
    ///
    /// # Errors
    /// `ERANGE`.
    pub fn set_all(&self, pid: i32, values: &[u16]) -> Result<(), Errno> {
        if values.iter().any(|value| *value > VALUE_MAX) {
            return Err(Errno::ERANGE);
        }
        let mut state = self.state.lock();
        for (semaphore, value) in state.semaphores.iter_mut().zip(values) {
            (semaphore.value, semaphore.pid) = (*value, pid);
        }
        state.undo.clear();
        drop(state);
        self.changed.notify(Events::IN);
        Ok(())
    }

    /// Undoes what stands in a list.
    pub(super) fn undo(&self, list: u64, pid: i32) {
        let mut state = self.state.lock();
        let listed: Vec<_> =
            state.undo.range((list, 0)..=(list, usize::MAX)).map(|((_, n), by)| (*n, *by)).collect();
        if listed.is_empty() {
            return;
        }
        for (number, by) in listed {
            state.undo.remove(&(list, number));
            if let Some(semaphore) = state.semaphores.get_mut(number) {
                semaphore.value = semaphore.value.saturating_add_signed(by).min(VALUE_MAX);
                semaphore.pid = pid;
            }
        }
        drop(state);
        self.operated.store(super::now(), Ordering::Relaxed);
        self.changed.notify(Events::IN);
    }
}

impl State {
    fn value(&self, number: usize) -> u16 {
        self.semaphores.get(number).map_or(0, |s| s.value)
    }

    fn waiters(&mut self, blocked: Blocked) -> Option<&mut u32> {
        let semaphore = self.semaphores.get_mut(blocked.number)?;
        Some(if blocked.zero { &mut semaphore.zero } else { &mut semaphore.growing })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Self(set, blocked) = self;
        if let Some(count) = set.state.lock().waiters(*blocked) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn op(number: usize, by: i16, undo: bool) -> Operation {
        Operation { number, by, nonblocking: false, undo }
    }

    #[test]
    fn all_operations_or_none() {
        let set = Set::new(2);
        assert_eq!(set.operate(1, 1, &[op(0, 3, false)]), Ok(Ok(())));
        let blocked = set.operate(1, 1, &[op(0, -1, false), op(1, -1, false)]).unwrap();
        assert!(blocked.is_err());
        assert_eq!(set.values(), [3, 0]);
        assert_eq!(set.operate(2, 2, &[op(0, -3, false), op(0, 0, false), op(1, 1, false)]), Ok(Ok(())));
        assert_eq!((set.values(), set.get(1).unwrap().1), (vec![0, 1], 2));
        assert_eq!(set.operate(1, 1, &[op(2, 1, false)]), Err(Errno::EFBIG));
        assert_eq!(set.operate(1, 1, &[op(1, 32_767, false)]), Err(Errno::ERANGE));
    }

    #[test]
    fn what_stands_in_a_list_is_undone() {
        let set = Set::new(2);
        set.set(1, 0, 5).unwrap();
        assert_eq!(set.operate(7, 7, &[op(0, -2, true), op(1, 4, true)]), Ok(Ok(())));
        assert_eq!(set.operate(8, 8, &[op(1, -3, false)]), Ok(Ok(())));
        set.undo(7, 7);
        assert_eq!(set.values(), [5, 0]);
        set.undo(7, 7);
        assert_eq!(set.values(), [5, 0]);
    }

    #[test]
    fn those_who_wait_are_counted() {
        let set = Set::new(1);
        let blocked = set.operate(1, 1, &[op(0, -1, false)]).unwrap().unwrap_err();
        let waiting = set.wait(blocked);
        assert_eq!(set.get(0).unwrap().2, 1);
        drop(waiting);
        assert_eq!(set.get(0).unwrap().2, 0);
    }
}

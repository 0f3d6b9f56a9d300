//! Futexes with priority inheritance: futex(2), `FUTEX_LOCK_PI` and its relatives.
//!
//! Their words hold thread ids, which are the sandbox's, so the host cannot carry them out. A guest takes a free lock and gives back one that nobody waits
//! for by itself. Whoever finds it taken sets `FUTEX_WAITERS` (the host does that for us, atomically), and from then on nobody changes the word
//! but this module, with its lock held: the owner finds the bit and calls.
//!
//! No thread inherits a priority: the host schedules all guests by niceness.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use abi::Errno;
use parking_lot::Mutex;
use platform::Memory;
use vfs::{Events, WaitQueue};

use crate::memory::UserPtr;
use crate::{Task, wait};

/// Set in the word of a lock that somebody waits for.
pub const FUTEX_WAITERS: u32 = 0x8000_0000;
/// Set in the word of a lock whose owner has died.
pub const FUTEX_OWNER_DIED: u32 = 0x4000_0000;
/// The owner.
pub const FUTEX_TID_MASK: u32 = 0x3fff_ffff;
/// Locks that are looked at to find out whether somebody waits for himself.
const CHAIN_MAX: usize = 1024;

/// Which lock an address means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// In the memory of one process.
    Private {
        /// [`Memory::id`].
        memory: u64,
        /// Where.
        address: u64,
    },
    /// In a file that several may have mapped.
    Shared {
        /// The host's device and inode.
        file: (u64, u64),
        /// Byte offset.
        offset: u64,
    },
}

impl Key {
    /// The lock at an address of a task's.
    ///
    /// # Errors
    /// `ESRCH` if the process is gone.
    pub fn of(task: &Task, address: u64, private: bool) -> Result<Self, Errno> {
        let memory = task.memory();
        let own = Self::Private { memory: memory.id(), address };
        if private {
            return Ok(own);
        }
        let mappings = memory.mappings()?;
        let mapping = mappings.iter().find(|m| m.shared && (m.start..m.end).contains(&address));
        Ok(mapping.map_or(own, |m| match m.host_file {
            Some(file) => Self::Shared { file, offset: m.offset.wrapping_add(address.wrapping_sub(m.start)) },
            None => own,
        }))
    }
}

/// The locks that somebody waits for.
#[derive(Default)]
pub struct PiFutexes(Mutex<State>);

#[derive(Default)]
struct State {
    locks: HashMap<Key, Lock>,
    /// What each thread waits for.
    waiting: HashMap<u32, Key>,
}

struct Lock {
    owner: u32,
    /// In the order in which they came.
    waiters: VecDeque<Arc<Waiter>>,
}

/// A thread that wants a lock.
pub struct Waiter {
    /// By which the kernel knows it.
    tid: u32,
    /// By which it knows itself: what stands in words.
    number: u32,
    address: u64,
    memory: Arc<dyn Memory>,
    granted: AtomicBool,
    changed: Arc<WaitQueue>,
}

impl Waiter {
    /// This task, for the lock at an address.
    #[must_use]
    pub fn new(task: &Task, address: u64) -> Arc<Self> {
        Arc::new(Self {
            tid: task.tid().unsigned_abs(),
            number: task.own_tid().unsigned_abs(),
            address,
            memory: task.memory(),
            granted: AtomicBool::new(false),
            changed: WaitQueue::new(),
        })
    }

    fn word(&self) -> UserPtr<u32> {
        UserPtr::new(self.address)
    }
}

/// What came of trying to take a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It is the caller's.
    Taken,
    /// The caller has been queued.
    Queued,
    /// It was given back meanwhile: `FUTEX_WAITERS` is to be set again.
    Again,
}

impl PiFutexes {
    /// Takes a lock in whose word `FUTEX_WAITERS` has just been set, or queues the caller for it if it `waits`.
    ///
    /// # Errors
    /// `EDEADLK` if the caller would wait for himself, `EAGAIN` if it would have to wait and does not, `ESRCH` if the owner is no thread, `EFAULT`.
    pub fn take(&self, task: &Task, key: Key, waiter: &Arc<Waiter>, waits: bool) -> Result<Attempt, Errno> {
        let mut state = self.0.lock();
        let word = waiter.word().read(&*waiter.memory)?;
        if word & FUTEX_WAITERS == 0 {
            return Ok(Attempt::Again);
        }
        let owner = word & FUTEX_TID_MASK;
        if owner == waiter.number {
            return Err(Errno::EDEADLK);
        }
        if owner == 0 {
            let lock = state.locks.get_mut(&key);
            let others = if lock.is_some() { FUTEX_WAITERS } else { 0 };
            waiter.word().write(&*waiter.memory, &(waiter.number | others | word & FUTEX_OWNER_DIED))?;
            if let Some(lock) = lock {
                lock.owner = waiter.tid;
            }
            return Ok(Attempt::Taken);
        }
        let owner = i32::try_from(owner).ok().and_then(|number| task.task_of(number)).ok_or(Errno::ESRCH)?;
        let owner = owner.tid().unsigned_abs();
        if !waits {
            return Err(Errno::EAGAIN);
        }
        if state.waits_for(owner, waiter.tid) {
            return Err(Errno::EDEADLK);
        }
        let lock = state.locks.entry(key).or_insert_with(|| Lock { owner, waiters: VecDeque::new() });
        lock.owner = owner;
        lock.waiters.push_back(Arc::clone(waiter));
        state.waiting.insert(waiter.tid, key);
        Ok(Attempt::Queued)
    }

    /// Gives a lock back, or to who has waited longest.
    ///
    /// # Errors
    /// `EPERM` if it is not the caller's, `EFAULT`.
    pub fn give(&self, task: &Task, key: Key, address: u64) -> Result<(), Errno> {
        let mut state = self.0.lock();
        let (memory, word) = (task.memory(), UserPtr::<u32>::new(address));
        if word.read(&*memory)? & FUTEX_TID_MASK != task.own_tid().unsigned_abs() {
            return Err(Errno::EPERM);
        }
        match state.next(key) {
            Some(next) => {
                word.write(&*memory, &(next.number | FUTEX_WAITERS))?;
                next.grant();
                Ok(())
            }
            None => word.write(&*memory, &0),
        }
    }

    /// A thread has ended, or executes another program: what it holds goes to those who wait.
    pub(crate) fn ended(&self, tid: i32) {
        let tid = tid.unsigned_abs();
        let mut state = self.0.lock();
        let held: Vec<Key> =
            state.locks.iter().filter(|(_, lock)| lock.owner == tid).map(|(key, _)| *key).collect();
        for next in held.into_iter().filter_map(|key| state.next(key)) {
            // One that cannot write there any more will find out.
            let _ = next.word().write(&*next.memory, &(next.number | FUTEX_WAITERS | FUTEX_OWNER_DIED));
            next.grant();
        }
    }

    /// Waits until a queued lock is the caller's.
    ///
    /// # Errors
    /// `ETIMEDOUT` at the deadline; `ERESTARTSYS` if a signal came.
    pub async fn wait(
        &self,
        task: &Arc<Task>,
        key: Key,
        waiter: &Arc<Waiter>,
        deadline: Option<std::time::Instant>,
    ) -> Result<(), Errno> {
        let queued = Queued { of: self, key, waiter };
        let attempt = || if waiter.is_granted() { Ok(()) } else { Err(Errno::EAGAIN) };
        let done = wait::until_deadline(task, &waiter.changed, Events::IN, deadline, attempt).await;
        drop(queued);
        // It may have become his while he gave up.
        if waiter.is_granted() { Ok(()) } else { done }
    }

    fn leave(&self, key: Key, waiter: &Arc<Waiter>) {
        let mut state = self.0.lock();
        if waiter.is_granted() {
            return;
        }
        state.waiting.remove(&waiter.tid);
        if let Some(lock) = state.locks.get_mut(&key) {
            lock.waiters.retain(|other| !Arc::ptr_eq(other, waiter));
            if lock.waiters.is_empty() {
                state.locks.remove(&key);
            }
        }
    }
}

impl Waiter {
    fn is_granted(&self) -> bool {
        self.granted.load(Ordering::Acquire)
    }

    fn grant(&self) {
        self.granted.store(true, Ordering::Release);
        self.changed.notify(Events::IN);
    }
}

impl State {
    /// Takes out who gets a lock next, and makes it the owner.
    fn next(&mut self, key: Key) -> Option<Arc<Waiter>> {
        let lock = self.locks.get_mut(&key)?;
        let next = lock.waiters.pop_front();
        match &next {
            Some(next) if !lock.waiters.is_empty() => lock.owner = next.tid,
            _ => drop(self.locks.remove(&key)),
        }
        if let Some(next) = &next {
            self.waiting.remove(&next.tid);
        }
        next
    }

    /// Whether a thread waits, through others perhaps, for another.
    fn waits_for(&self, thread: u32, other: u32) -> bool {
        let mut at = thread;
        for _ in 0..CHAIN_MAX {
            let lock = self.waiting.get(&at).and_then(|key| self.locks.get(key));
            match lock {
                Some(lock) if lock.owner == other => return true,
                Some(lock) => at = lock.owner,
                None => return false,
            }
        }
        true
    }
}

/// A place in a queue, which ends with the call.
struct Queued<'a> {
    of: &'a PiFutexes,
    key: Key,
    waiter: &'a Arc<Waiter>,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.of.leave(self.key, self.waiter);
    }
}

#[cfg(test)]
mod tests {
    use platform::mock::MockMemory;

    use super::*;

    const AT: u64 = 0x10_0000;

    const fn key(address: u64) -> Key {
        Key::Private { memory: 1, address }
    }

    fn waiter(memory: &Arc<MockMemory>, tid: u32) -> Arc<Waiter> {
        let memory: Arc<dyn Memory> = memory.clone();
        let (granted, changed) = (AtomicBool::new(false), WaitQueue::new());
        Arc::new(Waiter { tid, number: tid, address: AT, memory, granted, changed })
    }

    fn queue(futexes: &PiFutexes, key: Key, owner: u32, waiters: &[&Arc<Waiter>]) {
        let mut state = futexes.0.lock();
        state.waiting.extend(waiters.iter().map(|w| (w.tid, key)));
        let waiters = waiters.iter().map(|w| Arc::clone(w)).collect();
        state.locks.insert(key, Lock { owner, waiters });
    }

    #[test]
    fn the_end_of_an_owner_hands_the_lock_on_in_order() {
        let memory = Arc::new(MockMemory::new(1));
        memory.map(AT, 4096);
        let (first, second) = (waiter(&memory, 8), waiter(&memory, 9));
        let futexes = PiFutexes::default();
        queue(&futexes, key(AT), 7, &[&first, &second]);
        futexes.ended(6);
        assert!(!first.is_granted());
        futexes.ended(7);
        let word = UserPtr::<u32>::new(AT);
        assert_eq!(word.read(&*memory), Ok(8 | FUTEX_WAITERS | FUTEX_OWNER_DIED));
        assert!(first.is_granted() && !second.is_granted());
        futexes.ended(8);
        assert!(second.is_granted());
        assert!(futexes.0.lock().locks.is_empty() && futexes.0.lock().waiting.is_empty());
    }

    #[test]
    fn who_gives_up_leaves_nothing_behind() {
        let memory = Arc::new(MockMemory::new(1));
        let waiter = waiter(&memory, 8);
        let futexes = PiFutexes::default();
        queue(&futexes, key(AT), 7, &[&waiter]);
        futexes.leave(key(AT), &waiter);
        assert!(futexes.0.lock().locks.is_empty() && futexes.0.lock().waiting.is_empty());
    }

    #[test]
    fn circles_are_found() {
        let memory = Arc::new(MockMemory::new(1));
        let futexes = PiFutexes::default();
        // 8 waits for 7, and 9 for 8.
        queue(&futexes, key(1), 7, &[&waiter(&memory, 8)]);
        queue(&futexes, key(2), 8, &[&waiter(&memory, 9)]);
        let state = futexes.0.lock();
        assert!(state.waits_for(9, 7) && state.waits_for(9, 8) && state.waits_for(8, 7));
        assert!(!state.waits_for(7, 9) && !state.waits_for(8, 9));
    }
}

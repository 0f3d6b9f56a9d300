//! All locks of the sandbox, by file.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;

use super::ranges::Ranges;
use super::{LockKey, LockOwner, RecordLock};
use crate::{Events, WaitQueue};

/// Locks that one file can have.
const LOCKS_MAX: usize = 65_536;

/// Who holds and who waits for what.
#[derive(Default)]
pub struct LockTable {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: HashMap<LockKey, FileLocks>,
    /// What each blocked process waits for.
    blocked: HashMap<LockOwner, (LockKey, RecordLock)>,
}

#[derive(Default)]
struct FileLocks {
    records: Ranges,
    /// flock(2): descriptions, and whether theirs is exclusive.
    whole: Vec<(u64, bool)>,
    queue: Arc<WaitQueue>,
}

/// A wait for a lock, until it is dropped.
pub struct Waiting {
    /// Told when a lock of the file is released: then try again.
    pub queue: Arc<WaitQueue>,
    key: LockKey,
    owner: Option<LockOwner>,
    table: &'static LockTable,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.table.state.lock();
        if let Some(owner) = self.owner {
            state.blocked.remove(&owner);
        }
        state.tidy(self.key);
    }
}

impl LockTable {
    /// Whether nobody holds any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state.lock().files.is_empty()
    }

    /// `F_GETLK`: a lock that stands against this one.
    #[must_use]
    pub fn test(&self, key: LockKey, wanted: &RecordLock) -> Option<RecordLock> {
        self.state.lock().files.get(&key)?.records.conflict(wanted).copied()
    }

    /// `F_SETLK` for a read or write lock.
    ///
    /// # Errors
    /// `EAGAIN` if another stands against it, `ENOLCK` with too many locks.
    pub fn set(&self, key: LockKey, lock: RecordLock) -> Result<(), Errno> {
        let queue = self.state.lock().set(key, lock)?;
        // A write lock that became a read lock may let others in.
        queue.notify(Events::OUT);
        Ok(())
    }

    /// `F_SETLKW`: takes the lock, or tells what to wait for before trying again.
    ///
    /// Register with the queue first and call this once more before waiting, or a release between the two is lost.
    ///
    /// # Errors
    /// `EDEADLK` if the one who holds it waits, through however many others, for this owner; `ENOLCK`.
    pub fn set_or_wait(&'static self, key: LockKey, lock: RecordLock) -> Result<Option<Waiting>, Errno> {
        let mut state = self.state.lock();
        match state.set(key, lock) {
            Ok(queue) => {
                drop(state);
                queue.notify(Events::OUT);
                Ok(None)
            }
            Err(Errno::EAGAIN) => {
                // Only processes can be known to wait for each other: a description may be shared by many.
                let process = matches!(lock.owner, LockOwner::Process(_));
                if process && state.would_deadlock(key, &lock) {
                    return Err(Errno::EDEADLK);
                }
                let owner = process.then_some(lock.owner);
                if let Some(owner) = owner {
                    state.blocked.insert(owner, (key, lock));
                }
                let queue = Arc::clone(&state.files.entry(key).or_default().queue);
                Ok(Some(Waiting { queue, key, owner, table: self }))
            }
            Err(error) => Err(error),
        }
    }

    /// `F_SETLK` with `F_UNLCK`, and the end of a process's or description's locks.
    pub fn clear(&self, key: LockKey, owner: LockOwner, start: u64, end: u64) {
        let mut state = self.state.lock();
        let Some(file) = state.files.get_mut(&key) else { return };
        let removed = file.records.remove(owner, start, end);
        let queue = Arc::clone(&file.queue);
        state.tidy(key);
        drop(state);
        if removed {
            queue.notify(Events::OUT);
        }
    }

    /// flock(2) `LOCK_SH`, `LOCK_EX`. As Linux, a change of type gives the old lock up before it asks for the new one.
    ///
    /// # Errors
    /// `EAGAIN` if another description stands against it: see [`Self::wait_whole`].
    pub fn lock_whole(&self, key: LockKey, description: u64, exclusive: bool) -> Result<(), Errno> {
        let mut state = self.state.lock();
        let file = state.files.entry(key).or_default();
        if file.whole.contains(&(description, exclusive)) {
            return Ok(());
        }
        let before = file.whole.len();
        file.whole.retain(|(id, _)| *id != description);
        let released = file.whole.len() < before;
        let taken = file.whole.iter().any(|(_, other)| exclusive || *other);
        let full = file.whole.len() >= LOCKS_MAX;
        if !taken && !full {
            file.whole.push((description, exclusive));
        }
        let queue = Arc::clone(&file.queue);
        state.tidy(key);
        drop(state);
        if released {
            queue.notify(Events::OUT);
        }
        if taken {
            return Err(Errno::EAGAIN);
        }
        if full { Err(Errno::ENOLCK) } else { Ok(()) }
    }

    /// flock(2) `LOCK_UN`.
    pub fn unlock_whole(&self, key: LockKey, description: u64) {
        let mut state = self.state.lock();
        let Some(file) = state.files.get_mut(&key) else { return };
        file.whole.retain(|(id, _)| *id != description);
        let queue = Arc::clone(&file.queue);
        state.tidy(key);
        drop(state);
        queue.notify(Events::OUT);
    }

    /// Waits for a release of a lock of the file. Register with the queue, then try again, then wait.
    #[must_use]
    pub fn wait_whole(&'static self, key: LockKey) -> Waiting {
        let queue = Arc::clone(&self.state.lock().files.entry(key).or_default().queue);
        Waiting { queue, key, owner: None, table: self }
    }

    /// The record locks of all files, for /proc/locks.
    #[must_use]
    pub fn records(&self) -> Vec<(LockKey, RecordLock)> {
        let state = self.state.lock();
        state.files.iter().flat_map(|(key, file)| file.records.iter().map(|lock| (*key, *lock))).collect()
    }

    /// The flock(2) locks of all files: description, and whether it is exclusive.
    #[must_use]
    pub fn whole(&self) -> Vec<(LockKey, (u64, bool))> {
        let state = self.state.lock();
        state.files.iter().flat_map(|(key, file)| file.whole.iter().map(|lock| (*key, *lock))).collect()
    }

    pub(super) fn clear_description(&self, id: u64) {
        let keys: Vec<LockKey> = {
            let state = self.state.lock();
            let owner = LockOwner::Description(id);
            let holds = |f: &FileLocks| {
                f.whole.iter().any(|(d, _)| *d == id) || f.records.iter().any(|l| l.owner == owner)
            };
            state.files.iter().filter(|(_, f)| holds(f)).map(|(k, _)| *k).collect()
        };
        for key in keys {
            self.clear(key, LockOwner::Description(id), 0, u64::MAX);
            self.unlock_whole(key, id);
        }
    }
}

impl State {
    fn set(&mut self, key: LockKey, lock: RecordLock) -> Result<Arc<WaitQueue>, Errno> {
        let file = self.files.entry(key).or_default();
        if file.records.conflict(&lock).is_some() {
            return Err(Errno::EAGAIN);
        }
        if file.records.len() >= LOCKS_MAX {
            return Err(Errno::ENOLCK);
        }
        file.records.add(lock);
        Ok(Arc::clone(&file.queue))
    }

    /// Whether a holder of what `wanted` needs waits for the one who wants it.
    fn would_deadlock(&self, key: LockKey, wanted: &RecordLock) -> bool {
        let mut seen = HashSet::new();
        let mut pending = vec![(key, *wanted)];
        while let Some((key, lock)) = pending.pop() {
            let Some(file) = self.files.get(&key) else { continue };
            for holder in file.records.iter().filter(|held| held.conflicts(&lock)) {
                if holder.owner == wanted.owner {
                    return true;
                }
                if seen.insert(holder.owner)
                    && let Some(next) = self.blocked.get(&holder.owner)
                {
                    pending.push(*next);
                }
            }
        }
        false
    }

    /// Forgets a file without locks that nobody waits for: the queue's references are the table's and the caller's.
    fn tidy(&mut self, key: LockKey) {
        let idle =
            |f: &FileLocks| f.records.len() == 0 && f.whole.is_empty() && Arc::strong_count(&f.queue) <= 2;
        if self.files.get(&key).is_some_and(|f| idle(f) && f.queue.is_empty()) {
            self.files.remove(&key);
        }
    }
}

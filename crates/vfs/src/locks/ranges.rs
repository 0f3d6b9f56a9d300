//! Record locks of one file as ranges of bytes.

use super::LockOwner;

/// A lock on a range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordLock {
    /// Whose.
    pub owner: LockOwner,
    /// A write lock, which excludes all others; otherwise a read lock.
    pub exclusive: bool,
    /// First byte.
    pub start: u64,
    /// Last byte; `u64::MAX` for "to the end, however far that moves".
    pub end: u64,
    /// The process that made it, for `F_GETLK`: -1 for a description's.
    pub pid: i32,
}

impl RecordLock {
    pub(super) const fn overlaps(&self, start: u64, end: u64) -> bool {
        self.start <= end && start <= self.end
    }

    /// Whether the two cannot be held at once.
    pub(super) fn conflicts(&self, other: &Self) -> bool {
        self.owner != other.owner
            && (self.exclusive || other.exclusive)
            && self.overlaps(other.start, other.end)
    }
}

/// The record locks of one file.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    locks: Vec<RecordLock>,
}

impl Ranges {
    pub(super) const fn len(&self) -> usize {
        self.locks.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &RecordLock> {
        self.locks.iter()
    }

    /// The first lock by position that stands against this one.
    pub(super) fn conflict(&self, wanted: &RecordLock) -> Option<&RecordLock> {
        self.locks.iter().filter(|lock| lock.conflicts(wanted)).min_by_key(|lock| lock.start)
    }

    /// Adds a lock that nothing stands against: it replaces what its owner held there, and joins its neighbours.
    pub(super) fn add(&mut self, mut lock: RecordLock) {
        self.remove(lock.owner, lock.start, lock.end);
        let touches = |other: &RecordLock| {
            other.owner == lock.owner
                && other.exclusive == lock.exclusive
                && (other.end.checked_add(1) == Some(lock.start)
                    || lock.end.checked_add(1) == Some(other.start))
        };
        let (mut start, mut end) = (lock.start, lock.end);
        self.locks.retain(|other| {
            let joins = touches(other);
            if joins {
                start = start.min(other.start);
                end = end.max(other.end);
            }
            !joins
        });
        (lock.start, lock.end) = (start, end);
        self.locks.push(lock);
    }

    /// Takes away what an owner holds in a range: locks that stick out stay outside of it. True if there was anything.
    pub(super) fn remove(&mut self, owner: LockOwner, start: u64, end: u64) -> bool {
        let mut left = Vec::new();
        let before = self.locks.len();
        self.locks.retain(|lock| {
            if lock.owner != owner || !lock.overlaps(start, end) {
                return true;
            }
            if let Some(last) = start.checked_sub(1).filter(|last| lock.start <= *last) {
                left.push(RecordLock { end: last, ..*lock });
            }
            if let Some(first) = end.checked_add(1).filter(|first| *first <= lock.end) {
                left.push(RecordLock { start: first, ..*lock });
            }
            false
        });
        let removed = self.locks.len() < before;
        self.locks.append(&mut left);
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: LockOwner = LockOwner::Process(1);
    const B: LockOwner = LockOwner::Process(2);

    fn lock(owner: LockOwner, exclusive: bool, start: u64, end: u64) -> RecordLock {
        RecordLock { owner, exclusive, start, end, pid: 1 }
    }

    fn spans(ranges: &Ranges) -> Vec<(u64, u64, bool)> {
        let mut all: Vec<_> = ranges.iter().map(|l| (l.start, l.end, l.exclusive)).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn neighbours_join_and_holes_split() {
        let mut ranges = Ranges::default();
        ranges.add(lock(A, true, 0, 9));
        ranges.add(lock(A, true, 10, 19));
        assert_eq!(spans(&ranges), [(0, 19, true)]);
        assert!(ranges.remove(A, 5, 14));
        assert_eq!(spans(&ranges), [(0, 4, true), (15, 19, true)]);
        assert!(!ranges.remove(A, 5, 14));
        assert!(!ranges.remove(B, 0, u64::MAX));
    }

    #[test]
    fn a_lock_changes_type_in_its_middle() {
        let mut ranges = Ranges::default();
        ranges.add(lock(A, false, 0, u64::MAX));
        ranges.add(lock(A, true, 100, 199));
        assert_eq!(spans(&ranges), [(0, 99, false), (100, 199, true), (200, u64::MAX, false)]);
        ranges.add(lock(A, false, 100, 199));
        assert_eq!(spans(&ranges), [(0, u64::MAX, false)]);
    }

    #[test]
    fn readers_share_and_writers_do_not() {
        let mut ranges = Ranges::default();
        ranges.add(lock(A, false, 10, 20));
        assert!(ranges.conflict(&lock(B, false, 0, 100)).is_none());
        assert_eq!(ranges.conflict(&lock(B, true, 20, 100)).map(|l| l.start), Some(10));
        assert!(ranges.conflict(&lock(B, true, 21, 100)).is_none());
        assert!(ranges.conflict(&lock(A, true, 0, 100)).is_none());
    }
}

//! Which memory mlock(2) and mlockall(2) have locked.
//!
//! Nothing is pinned: a guest that could pin memory could take it from the machine. What is locked is brought into memory, counted against
//! `RLIMIT_MEMLOCK`, and told.

use std::ops::Range;

use abi::Errno;
use parking_lot::Mutex;
use platform::Mapping;

use crate::memory_notes::Notes;

/// The locks of an address space. A child of fork(2) inherits none.
#[derive(Default)]
pub struct Locks {
    /// Whether a range is locked, where that is not what [`Self::others`] says.
    notes: Notes<bool>,
    /// Whether all the rest is, and what is yet to be mapped: `MCL_FUTURE`.
    others: Mutex<bool>,
}

impl Locks {
    /// Locks a range of pages or lets it go.
    ///
    /// # Errors
    /// `ENOMEM` with too many ranges.
    pub fn set(&self, range: Range<u64>, locked: bool) -> Result<(), Errno> {
        let others = *self.others.lock();
        self.notes.set(range, (locked != others).then_some(locked))
    }

    /// mlockall(2): all that is `mapped`, what is to come, or both.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn set_all(&self, mapped: &[Mapping], current: bool, future: bool) -> Result<(), Errno> {
        let before: Vec<_> = mapped.iter().map(|m| (m.start..m.end, self.pieces(m))).collect();
        *self.others.lock() = future;
        self.notes.clear();
        for (whole, pieces) in before {
            self.set(whole.clone(), current)?;
            if !current {
                pieces.into_iter().try_for_each(|piece| self.set(piece, true))?;
            }
        }
        Ok(())
    }

    /// munlockall(2).
    pub fn clear(&self) {
        *self.others.lock() = false;
        self.notes.clear();
    }

    /// What of a mapping is locked.
    fn pieces(&self, mapping: &Mapping) -> Vec<Range<u64>> {
        let noted = self.notes.pieces(mapping.start..mapping.end);
        if !*self.others.lock() {
            return noted.into_iter().map(|(range, _)| range).collect();
        }
        let (mut at, mut locked) = (mapping.start, Vec::new());
        for (free, _) in noted {
            locked.push(at..free.start);
            at = free.end;
        }
        locked.push(at..mapping.end);
        locked.retain(|range| !range.is_empty());
        locked
    }

    /// Bytes of a mapping that are locked. The kernel's own mappings never are.
    #[must_use]
    pub fn of(&self, mapping: &Mapping) -> u64 {
        if mapping.host_name.starts_with("[v") {
            return 0;
        }
        self.pieces(mapping).iter().fold(0, |sum, r| sum.saturating_add(r.end.saturating_sub(r.start)))
    }

    /// Bytes of all of them that are locked.
    #[must_use]
    pub fn total(&self, mappings: &[Mapping]) -> u64 {
        mappings.iter().fold(0, |sum, mapping| sum.saturating_add(self.of(mapping)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(start: u64, end: u64) -> Mapping {
        Mapping {
            start,
            end,
            protection: 3,
            shared: false,
            offset: 0,
            host_file: None,
            host_name: String::new(),
        }
    }

    #[test]
    fn ranges_are_locked_and_let_go() {
        let locks = Locks::default();
        let mapped = [mapping(100, 200), mapping(300, 400)];
        locks.set(150..350, true).unwrap();
        assert_eq!(locks.total(&mapped), 100);
        locks.set(150..160, false).unwrap();
        assert_eq!(locks.total(&mapped), 90);
        locks.set_all(&mapped, true, false).unwrap();
        assert_eq!((locks.total(&mapped), locks.of(&mapping(500, 600))), (200, 0));
        locks.clear();
        assert_eq!(locks.total(&mapped), 0);
    }

    #[test]
    fn what_is_to_come_can_be_locked_without_what_is_there() {
        let locks = Locks::default();
        let mapped = [mapping(100, 200)];
        locks.set(100..110, true).unwrap();
        locks.set_all(&mapped, false, true).unwrap();
        assert_eq!((locks.total(&mapped), locks.of(&mapping(500, 600))), (10, 100));
        locks.set(100..200, true).unwrap();
        assert_eq!(locks.total(&mapped), 100);
        locks.set(520..530, false).unwrap();
        assert_eq!(locks.of(&mapping(500, 600)), 90);
    }
}

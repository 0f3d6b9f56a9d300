//! What is noted of ranges of an address space, beside what the host knows of them.
//!
//! A guest unmaps natively, and nobody hears of it: a note may outlive what it was about. Whoever reads looks at the mappings too.

use std::collections::BTreeMap;
use std::ops::Range;

use abi::Errno;
use parking_lot::Mutex;

/// Ranges at most: what `vm.max_map_count` usually is.
const RANGES_MAX: usize = 65_530;

/// A value for each address of some ranges.
pub struct Notes<T> {
    /// By first address: one past the last, and the value. No two overlap.
    ranges: Mutex<BTreeMap<u64, (u64, T)>>,
}

impl<T> Default for Notes<T> {
    fn default() -> Self {
        Self { ranges: Mutex::default() }
    }
}

impl<T: Copy> Clone for Notes<T> {
    fn clone(&self) -> Self {
        Self { ranges: Mutex::new(self.ranges.lock().clone()) }
    }
}

impl<T: Copy + PartialEq> Notes<T> {
    /// Notes a value for a range, or that there is none.
    ///
    /// # Errors
    /// `ENOMEM` with too many ranges.
    pub fn set(&self, range: Range<u64>, value: Option<T>) -> Result<(), Errno> {
        if range.is_empty() {
            return Ok(());
        }
        let mut ranges = self.ranges.lock();
        if ranges.len() >= RANGES_MAX && value.is_some() {
            return Err(Errno::ENOMEM);
        }
        let (mut start, mut end) = (range.start, range.end);
        // Those that touch it too, to make one range of neighbours with the same value.
        let near: Vec<(u64, (u64, T))> = ranges
            .range(..=range.end)
            .rev()
            .take_while(|(_, (last, _))| *last >= range.start)
            .map(|(first, rest)| (*first, *rest))
            .collect();
        for (first, (last, old)) in near {
            ranges.remove(&first);
            if Some(old) == value {
                (start, end) = (start.min(first), end.max(last));
                continue;
            }
            if first < range.start {
                ranges.insert(first, (range.start, old));
            }
            if last > range.end {
                ranges.insert(range.end, (last, old));
            }
        }
        if let Some(value) = value {
            ranges.insert(start, (end, value));
        }
        Ok(())
    }

    /// What is noted for an address.
    #[must_use]
    pub fn at(&self, address: u64) -> Option<T> {
        let ranges = self.ranges.lock();
        let (_, (end, value)) = ranges.range(..=address).next_back()?;
        (address < *end).then_some(*value)
    }

    /// The values that are noted in a range, from the first on.
    #[must_use]
    pub fn within(&self, range: Range<u64>) -> Vec<T> {
        self.pieces(range).into_iter().map(|(_, value)| value).collect()
    }

    /// The pieces of a range that something is noted for.
    #[must_use]
    pub fn pieces(&self, range: Range<u64>) -> Vec<(Range<u64>, T)> {
        let ranges = self.ranges.lock();
        let reaching = ranges.range(..range.end).rev().take_while(|(_, (last, _))| *last > range.start);
        let mut pieces: Vec<_> = reaching
            .map(|(first, (last, value))| ((*first).max(range.start)..(*last).min(range.end), *value))
            .collect();
        pieces.reverse();
        pieces
    }

    /// Nothing is noted any longer.
    pub fn clear(&self) {
        self.ranges.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_and_joined() {
        let notes = Notes::default();
        notes.set(10..20, Some('a')).unwrap();
        notes.set(20..30, Some('a')).unwrap();
        assert_eq!(notes.pieces(0..100), [(10..30, 'a')]);
        notes.set(15..17, Some('b')).unwrap();
        assert_eq!(notes.pieces(0..100), [(10..15, 'a'), (15..17, 'b'), (17..30, 'a')]);
        assert_eq!(
            (notes.at(9), notes.at(10), notes.at(16), notes.at(30)),
            (None, Some('a'), Some('b'), None)
        );
        assert_eq!(notes.within(16..18), ['b', 'a']);
        notes.set(12..28, None).unwrap();
        assert_eq!(notes.pieces(11..100), [(11..12, 'a'), (28..30, 'a')]);
        notes.set(0..100, Some('c')).unwrap();
        assert_eq!(notes.pieces(0..100), [(0..100, 'c')]);
        notes.clear();
        assert_eq!(notes.pieces(0..100), []);
    }
}

//! Where a file's trampolines stand.

use super::INVALID;
use super::site::Site;
use super::trampoline::{JUMP_LENGTH, Trampoline};

/// Bytes of an area. A jump's second byte of distance, which often has to be an invalid opcode, takes each value once in 64 KiB; its third byte, which seldom has
/// to be one, goes through ten values, and below 0x40 any nine in a row hold one that is.
pub const AREA_SIZE: u64 = 0xa_0000;
const PAGE: i64 = 4096;

/// The trampolines of one file, at a distance from it that is the same wherever it is mapped.
#[derive(Clone, Debug)]
pub struct Area {
    /// The position of its first byte: negative if the area lies below the file.
    pub start: i64,
    /// What is taken, in order: first position and one past the last.
    taken: Vec<(i64, i64)>,
}

impl Area {
    /// An empty one.
    #[must_use]
    pub fn new(start: i64) -> Self {
        Self { start, taken: Vec::new() }
    }

    /// One past its last position.
    #[must_use]
    pub fn end(&self) -> i64 {
        self.start.saturating_add(AREA_SIZE.cast_signed())
    }

    /// The first place for the trampoline of a site at `from`, best in a page that is in use. Takes it.
    pub fn take(&mut self, site: &Site, from: i64) -> Option<i64> {
        let length = i64::try_from(Trampoline::length(site)).ok()?;
        let place =
            self.search(site, from, length, true).or_else(|| self.search(site, from, length, false))?;
        let index = self.taken.partition_point(|(start, _)| *start < place);
        self.taken.insert(index, (place, place.saturating_add(length)));
        Some(place)
    }

    fn search(&self, site: &Site, from: i64, length: i64, in_use: bool) -> Option<i64> {
        let boundaries: Vec<usize> = site.boundaries().collect();
        let end = from.checked_add(i64::try_from(JUMP_LENGTH).ok()?)?;
        let mut at = self.start;
        while at.checked_add(length)? <= self.end() {
            if let Some(end) = self.blocker(at, at + length) {
                at = end;
            } else if in_use && !self.uses_page(at) {
                at = (at.div_euclid(PAGE) + 1) * PAGE;
            } else if fits(&boundaries, end, at) {
                return Some(at);
            } else {
                at += 1;
            }
        }
        None
    }

    /// The end of what overlaps a range.
    fn blocker(&self, start: i64, end: i64) -> Option<i64> {
        let next = self.taken.partition_point(|(_, taken_end)| *taken_end <= start);
        self.taken.get(next).filter(|(taken, _)| *taken < end).map(|(_, taken_end)| *taken_end)
    }

    fn uses_page(&self, at: i64) -> bool {
        let page = at.div_euclid(PAGE);
        self.taken
            .iter()
            .any(|(start, end)| start.div_euclid(PAGE) <= page && (end - 1).div_euclid(PAGE) >= page)
    }
}

/// Whether the distance from `end` to `at` has an invalid opcode wherever an instruction began within the jump.
fn fits(boundaries: &[usize], end: i64, at: i64) -> bool {
    let Ok(distance) = i32::try_from(at.wrapping_sub(end)) else { return false };
    let bytes = distance.to_le_bytes();
    boundaries.iter().all(|offset| bytes.get(offset - 1).is_some_and(|byte| INVALID.contains(byte)))
}

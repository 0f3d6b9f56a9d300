//! Pages by number, of which the first, which for most files is all there is, needs no tree.

use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes of a page, as many as are not zeros behind which nothing was written.
type Page = Vec<u8>;

/// Pages that are there, by number. A file of one page has nothing but that page; a leaf of a tree would have room for eleven.
#[derive(Debug, Default)]
pub(crate) struct PageMap {
    first: Option<Page>,
    /// The others. None if there are none.
    #[expect(clippy::box_collection, reason = "a word in each inode instead of three")]
    rest: Option<Box<BTreeMap<u64, Page>>>,
}

impl PageMap {
    pub(crate) fn len(&self) -> u64 {
        let rest = self.rest.as_ref().map_or(0, |rest| rest.len() as u64);
        rest.saturating_add(u64::from(self.first.is_some()))
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Page> {
        if number == 0 { self.first.as_ref() } else { self.rest.as_ref()?.get(&number) }
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Page> {
        if number == 0 { self.first.as_mut() } else { self.rest.as_mut()?.get_mut(&number) }
    }

    /// A page, made without bytes if it is missing.
    pub(crate) fn make(&mut self, number: u64) -> &mut Page {
        if number == 0 {
            self.first.get_or_insert_default()
        } else {
            self.rest.get_or_insert_default().entry(number).or_default()
        }
    }

    /// Removes those in a range. Returns how many there were.
    pub(crate) fn remove(&mut self, range: Range<u64>) -> u64 {
        let before = self.len();
        if range.contains(&0) {
            self.first = None;
        }
        if let Some(rest) = &mut self.rest {
            let mut tail = rest.split_off(&range.start);
            let mut behind = tail.split_off(&range.end.max(range.start));
            rest.append(&mut behind);
            if rest.is_empty() {
                self.rest = None;
            }
        }
        before.saturating_sub(self.len())
    }

    /// Those from a number on, in order.
    pub(crate) fn from(&self, number: u64) -> impl Iterator<Item = (u64, &Page)> {
        let first = self.first.iter().filter(move |_| number == 0).map(|page| (0, page));
        let rest = self.rest.iter().flat_map(move |rest| rest.range(number..));
        first.chain(rest.map(|(number, page)| (*number, page)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(map: &PageMap, from: u64) -> Vec<u64> {
        map.from(from).map(|(number, _)| number).collect()
    }

    #[test]
    fn ranges_go_and_others_stay() {
        let mut map = PageMap::default();
        for number in [0, 1, 2, 5, 9] {
            map.make(number).push(1);
        }
        assert_eq!((map.len(), numbers(&map, 0)), (5, vec![0, 1, 2, 5, 9]));
        assert_eq!((map.remove(1..5), numbers(&map, 0)), (2, vec![0, 5, 9]));
        assert_eq!((map.remove(5..5), numbers(&map, 1)), (0, vec![5, 9]));
        assert_eq!((map.remove(0..6), numbers(&map, 0)), (2, vec![9]));
        assert_eq!((map.remove(1..u64::MAX), map.len()), (1, 0));
        assert!(map.get(9).is_none() && map.rest.is_none());
    }

    #[test]
    fn a_file_of_one_page_has_no_tree() {
        let mut map = PageMap::default();
        map.make(0).push(7);
        assert!(map.rest.is_none() && map.get_mut(0).is_some_and(|page| *page == [7]));
        assert!(size_of::<PageMap>() <= 32);
    }
}

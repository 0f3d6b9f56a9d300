//! What guests have changed in shared mappings: found by comparing, because nobody tells the sentry.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};

/// Sums of the pages of a file that guests may change, as the server has them.
#[derive(Default)]
pub(super) struct Sums(BTreeMap<u64, u64>);

fn sum(page: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(page);
    hasher.finish()
}

impl Sums {
    /// The server has this page so.
    pub(super) fn note(&mut self, number: u64, page: &[u8]) {
        self.0.insert(number, sum(page));
    }

    /// Whether a page is not as the server has it.
    pub(super) fn differs(&self, number: u64, page: &[u8]) -> bool {
        self.0.get(&number).is_some_and(|known| *known != sum(page))
    }

    /// A page is not in the cache any more.
    pub(super) fn remove(&mut self, number: u64) {
        self.0.remove(&number);
    }

    /// The number of the first page from one on.
    pub(super) fn next(&self, from: u64) -> Option<u64> {
        self.0.range(from..).next().map(|(number, _)| *number)
    }
}

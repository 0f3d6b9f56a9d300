//! The rows, one file per family.

mod signal;
mod system;
mod time;

use crate::Row;

/// Every row of every family.
pub fn all() -> impl Iterator<Item = &'static Row> {
    [signal::ROWS, system::ROWS, time::ROWS].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn each_call_stands_in_one_row() {
        let mut seen = HashSet::new();
        for row in super::all() {
            assert!(seen.insert(row.number), "{} stands twice", row.name);
        }
    }
}

//! The rows, one file per family.

mod aio;
mod credentials;
mod event;
mod file;
mod file_attributes;
mod file_io;
mod ipc;
mod memory;
mod net;
mod process;
mod resources;
mod signal;
mod system;
mod time;

use crate::Row;

/// One line a family.
#[rustfmt::skip]
static FAMILIES: &[&[Row]] = &[
    aio::ROWS,
    credentials::ROWS,
    event::ROWS,
    file::ROWS,
    file_attributes::ROWS,
    file_io::ROWS,
    ipc::ROWS,
    memory::ROWS,
    process::ROWS,
    resources::ROWS,
    net::ROWS,
    signal::ROWS,
    system::ROWS,
    time::ROWS,
];

/// Every row of every family.
pub fn all() -> impl Iterator<Item = &'static Row> {
    FAMILIES.iter().copied().flatten()
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

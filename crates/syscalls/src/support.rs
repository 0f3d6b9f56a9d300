//! The support page: docs/system-calls.md, written from the table.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::{Row, Support, table};

/// Numbers that x86-64 assigns end here.
const NUMBERS: u64 = 512;

/// The page as Markdown: every system call that x86-64 has, with how much of it is there.
#[must_use]
pub fn page() -> String {
    let rows: BTreeMap<u64, &Row> = table::all().map(|row| (row.number, row)).collect();
    let known: Vec<(u64, &str)> = (0..NUMBERS).filter_map(|n| Some((n, abi::nr::name(n)?))).collect();
    let count = |wanted: fn(&Support) -> bool| rows.values().filter(|row| wanted(&row.support)).count();
    let full = count(|s| matches!(s, Support::Full));
    let partial = count(|s| matches!(s, Support::Partial(_)));
    let mut page = format!(
        "# System calls\n\nGenerated from the table in `crates/syscalls` (`UPDATE=1 cargo test -p syscalls support` writes it).\n\n\
         Of the {} calls that Linux has on x86-64, {full} are full, {partial} partial; the rest fail with `ENOSYS`, as on a kernel \
         built without them, and each is logged once when a program uses it.\n\n| number | call | support | what is missing |\n|---|---|---|---|\n",
        known.len(),
    );
    for (number, name) in known {
        let (support, missing) = match rows.get(&number).map(|row| row.support) {
            Some(Support::Full) => ("full", ""),
            Some(Support::Partial(what)) => ("partial", what),
            Some(Support::None(why)) => ("none", why),
            None => ("none", ""),
        };
        // Writing to a string does not fail.
        let _ = writeln!(page, "| {number} | {name} | {support} | {missing} |");
    }
    page
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_says_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/system-calls.md");
        let page = super::page();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == page,
            "docs/system-calls.md is out of date: run UPDATE=1 cargo test -p syscalls support"
        );
    }
}

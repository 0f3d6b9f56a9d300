//! What commands write to standard output.

use std::io::Write;

use serde::Serialize;

use crate::error::{Error, Trying};

/// JSON over several lines.
pub(super) fn pretty<T: Serialize>(value: &T) -> Result<(), Error> {
    text(serde_json::to_string_pretty(value).map_err(cannot)? + "\n")
}

/// JSON in one line.
pub(super) fn line<T: Serialize>(value: &T) -> Result<(), Error> {
    text(serde_json::to_string(value).map_err(cannot)? + "\n")
}

/// Columns, as wide as what is in them, with three spaces between.
pub(super) fn table(rows: &[Vec<String>]) -> Result<(), Error> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut all = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        all.push_str(cells.join("   ").trim_end());
        all.push('\n');
    }
    text(all)
}

/// As it is.
pub(super) fn text(text: String) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).trying("write to standard output")
}

fn cannot(error: serde_json::Error) -> Error {
    Error::Message(format!("cannot write JSON: {error}"))
}

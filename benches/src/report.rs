//! Results as a table and as JSON.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::column::Column;
use crate::group::Group;
use crate::rounds::Results;
use crate::statistics::summary;

/// Prints medians with the spread, and how they stand to the first column's.
pub(crate) fn print(group: &Group, columns: &[Column], results: &Results) {
    println!(
        "\n| {} | {} |",
        group.name,
        columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(" | ")
    );
    println!("|---|{}", "---|".repeat(columns.len()));
    for (row, of) in results.rows() {
        let first = columns.first().and_then(|c| summary(of.get(&c.name)?)).map(|s| s.median);
        let cells = columns.iter().enumerate().map(|(index, column)| {
            let Some(found) = of.get(&column.name).and_then(|results| summary(results)) else {
                return String::from("-");
            };
            let middle = if found.median == 0.0 { 1.0 } else { found.median.abs() };
            let spread = (found.high - found.low) / middle * 100.0;
            let shown = format!("{} ±{spread:.0}%", group.unit.show(found.median));
            match first.filter(|first| index > 0 && *first > 0.0) {
                Some(first) => format!("{shown} ({:.2})", found.median / first),
                None => shown,
            }
        });
        println!("| {row} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
    println!();
}

/// Writes every single result, with the median and between what the middle half lies.
///
/// # Errors
/// Those of the file system.
pub(crate) fn write_json(file: &Path, columns: &[Column], results: &Results) -> Result<()> {
    let of_column = |(name, results): (&String, &Vec<f64>)| {
        let found = summary(results)?;
        let value = json!({"median": found.median, "low": found.low, "high": found.high, "all": results});
        Some((name.clone(), value))
    };
    let of_row = |(row, of): (&str, &BTreeMap<_, _>)| {
        (row.to_owned(), Value::Object(of.iter().filter_map(of_column).collect()))
    };
    let rows: Map<String, Value> = results.rows().map(of_row).collect();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let all = json!({
        "columns": names,
        "machine": {"kernel": kernel.trim(), "processors": processors},
        "rows": rows,
    });
    std::fs::write(file, serde_json::to_vec_pretty(&all)?)
        .with_context(|| format!("cannot write {}", file.display()))
}

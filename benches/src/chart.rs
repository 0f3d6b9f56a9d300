//! Charts: bars for each row, as long as the ratio to the first column, on a logarithmic scale. What idle containers take is shown as it is: natively that
//! is the host kernel's, and counted nowhere.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::column::Column;
use crate::group::{Group, Kind};
use crate::rounds::Results;
use crate::statistics::summary;

const LABEL: f64 = 130.0;
const PLOT: f64 = 480.0;
const BAR: f64 = 12.0;
const GAP: f64 = 10.0;
const HEAD: f64 = 44.0;
/// What is shown as it is has a bar at least for this much.
const LEAST: f64 = 0.1;
/// One for each column but the first; they come again if there are more.
const COLOURS: [&str; 5] = ["#1f6f8b", "#c8553d", "#8a9b2f", "#7a5195", "#6b6b6b"];

/// Writes `GROUP.svg` into the directory.
///
/// # Errors
/// Those of the file system.
pub(crate) fn write(directory: &Path, group: &Group, columns: &[Column], results: &Results) -> Result<()> {
    std::fs::create_dir_all(directory)?;
    let file = directory.join(format!("{}.svg", group.name));
    std::fs::write(&file, draw(group, columns, results))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// A row's label, and for each column but the first the ratio and what to write beside it.
type Bars = (String, Vec<Option<(f64, String)>>);

fn bars(group: &Group, columns: &[Column], results: &Results) -> Vec<Bars> {
    let (first, rest) = columns.split_first().map_or((None, columns), |(first, rest)| (Some(first), rest));
    let of_row = |(row, of): (&str, &std::collections::BTreeMap<String, Vec<f64>>)| {
        let median = |column: &Column| of.get(&column.name).and_then(|r| summary(r)).map(|s| s.median);
        let base = if is_absolute(group) { 1.0 } else { first.and_then(median)? };
        let bar = |column| {
            let value = median(column)?;
            let least = if is_absolute(group) { LEAST } else { 0.0 };
            let ratio = Some((value / base).max(least)).filter(|ratio| ratio.is_finite() && *ratio > 0.0)?;
            let shown = group.unit.show(value);
            Some((ratio, if is_absolute(group) { shown } else { format!("{ratio:.2}x, {shown}") }))
        };
        let label =
            if is_absolute(group) { row.to_owned() } else { format!("{row}, {}", group.unit.show(base)) };
        Some((label, rest.iter().map(bar).collect()))
    };
    results.rows().filter_map(of_row).collect()
}

fn is_absolute(group: &Group) -> bool {
    matches!(group.kind, Kind::Footprint | Kind::Idle | Kind::Engine)
}

fn draw(group: &Group, columns: &[Column], results: &Results) -> String {
    let rows = bars(group, columns, results);
    let ratios = || rows.iter().flat_map(|(_, bars)| bars.iter().flatten()).map(|(ratio, _)| *ratio);
    let (low, high) = ratios().fold((1.0_f64, 2.0_f64), |(low, high), r| (low.min(r), high.max(r)));
    let (low, high) = (low.log10(), high.log10());
    let place = |ratio: f64| LABEL + 60.0 + (ratio.log10() - low) / (high - low) * (PLOT - 200.0);
    let height = HEAD + rows.iter().map(|(_, bars)| bars.len() as f64 * BAR + GAP).sum::<f64>();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"10\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        LABEL + PLOT
    );
    // Writing to a string does not fail.
    let against = if is_absolute(group) { "" } else { ", against native (shorter is faster)" };
    let _ = writeln!(
        svg,
        "<text x=\"8\" y=\"16\" font-size=\"13\">{}: {}{against}</text>",
        group.name, group.about
    );
    for (index, column) in columns.iter().skip(1).enumerate() {
        let x = 8.0 + index as f64 * 110.0;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"24\" width=\"10\" height=\"10\" fill=\"{}\"/><text x=\"{}\" y=\"33\">{}</text>",
            colour(index),
            x + 14.0,
            column.name
        );
    }
    let mut y = HEAD;
    for (label, bars) in &rows {
        let middle = y + bars.len() as f64 * BAR / 2.0 + 4.0;
        let _ = writeln!(svg, "<text x=\"8\" y=\"{middle}\">{label}</text>");
        for (index, bar) in bars.iter().enumerate() {
            if let Some((ratio, text)) = bar {
                let (from, to) = (place(1.0).min(place(*ratio)), place(1.0).max(place(*ratio)));
                let _ = writeln!(
                    svg,
                    "<rect x=\"{from:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>\
                     <text x=\"{:.1}\" y=\"{:.1}\">{text}</text>",
                    (to - from).max(1.0),
                    BAR - 2.0,
                    colour(index),
                    to + 4.0,
                    y + BAR - 3.0
                );
            }
            y += BAR;
        }
        y += GAP;
    }
    let native = place(1.0);
    let _ = writeln!(
        svg,
        "<line x1=\"{native:.1}\" y1=\"{HEAD}\" x2=\"{native:.1}\" y2=\"{y:.1}\" stroke=\"black\"/>\n</svg>"
    );
    svg
}

fn colour(index: usize) -> &'static str {
    COLOURS.get(index % COLOURS.len()).copied().unwrap_or("black")
}

//! Rounds: each column in its turn.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::bundle::Bundle;
use crate::column::Column;
use crate::group::{Group, Kind};
use crate::options::Options;
use crate::{footprint, plain_root, work_root};

/// Containers started for one result of the group `start`.
const STARTS: usize = 3;
/// Seconds after which a container is taken to hang.
const PATIENCE: &str = "600";

/// All results by row, each with those of every column.
#[derive(Default)]
pub(crate) struct Results(Vec<(String, BTreeMap<String, Vec<f64>>)>);

impl Results {
    fn add(&mut self, row: &str, column: &Column, value: f64) {
        let at = self.0.iter().position(|(name, _)| name == row).unwrap_or_else(|| {
            self.0.push((row.to_owned(), BTreeMap::new()));
            self.0.len() - 1
        });
        if let Some((_, columns)) = self.0.get_mut(at) {
            columns.entry(column.name.clone()).or_default().push(value);
        }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Rows in the order of their first results.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, Vec<f64>>)> {
        self.0.iter().map(|(name, columns)| (name.as_str(), columns))
    }
}

/// Runs a group.
///
/// # Errors
/// If its root cannot be made. A column that fails is reported and has no results.
pub(crate) fn run(group: &Group, columns: &[Column], options: &Options, scratch: &Path) -> Result<Results> {
    let mut results = Results::default();
    let bundles = bundles(group, options, scratch)?;
    for round in 0..options.rounds {
        for column in columns {
            for (suffix, bundle) in &bundles {
                if let Err(error) = measure(group, column, bundle, suffix, &mut results) {
                    eprintln!("{} in round {round}: {error:#}", column.name);
                }
            }
        }
    }
    Ok(results)
}

/// The containers of a group, each with what is put behind the names of its rows.
fn bundles(group: &Group, options: &Options, scratch: &Path) -> Result<Vec<(String, Bundle)>> {
    let words = |words: &[&str]| words.iter().map(|word| String::from(*word)).collect::<Vec<_>>();
    let bundle = |root: &Path, suffix: &str, arguments: &[String]| {
        let name = format!("{}{suffix}", group.name);
        Ok::<_, anyhow::Error>((suffix.to_owned(), Bundle::new(scratch, &name, root, arguments)?))
    };
    match &group.kind {
        Kind::Micro { names, callers } => {
            let root = plain_root::make(scratch)?;
            let time = options.milliseconds().to_string();
            let of = |count: &u32| {
                let suffix = if callers.len() > 1 { format!(" x{count}") } else { String::new() };
                let mut arguments = words(&["/bin/micro", "-t", &time, "-j", &count.to_string()]);
                arguments.extend(words(names));
                bundle(&root, &suffix, &arguments)
            };
            callers.iter().map(of).collect()
        }
        Kind::Start => Ok(vec![bundle(&plain_root::make(scratch)?, "", &words(&["/bin/micro"]))?]),
        Kind::Footprint => {
            Ok(vec![bundle(&plain_root::make(scratch)?, "", &words(&["/bin/micro", "-s", "5"]))?])
        }
        Kind::Work => {
            let root = work_root::ensure()?;
            let much = if options.quick { "1" } else { "10" };
            Ok(vec![bundle(&root, "", &words(&["/bin/sh", work_root::SCRIPT, much]))?])
        }
    }
}

fn measure(
    group: &Group,
    column: &Column,
    bundle: &Bundle,
    suffix: &str,
    results: &mut Results,
) -> Result<()> {
    match group.kind {
        Kind::Micro { .. } | Kind::Work => {
            for (name, value) in lines(&output(column.command(bundle))?) {
                results.add(&format!("{name}{suffix}"), column, value);
            }
        }
        Kind::Start => {
            for _ in 0..STARTS {
                let start = Instant::now();
                output(column.command(bundle))?;
                results.add("start", column, start.elapsed().as_secs_f64() * 1e9);
            }
        }
        Kind::Footprint => results.add("idle", column, footprint::of(column.command(bundle))?),
    }
    Ok(())
}

/// What a container printed. It is killed if it hangs.
fn output(command: Command) -> Result<String> {
    let mut watched = Command::new("timeout");
    watched.args(["--signal=KILL", PATIENCE]).arg(command.get_program()).args(command.get_args());
    let output = watched.stdin(Stdio::null()).output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", output.status, said.trim().lines().last().unwrap_or_default());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Names with values: one on each line, whatever else stands between.
fn lines(text: &str) -> impl Iterator<Item = (&str, f64)> {
    text.lines().filter_map(|line| {
        let (name, value) = line.trim().split_once(' ')?;
        Some((name, value.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_found_between_other_lines() {
        let found: Vec<_> = lines("stat 12.5\nwarning: nothing\n\nread  7\nopen 3\n").collect();
        assert_eq!(found, [("stat", 12.5), ("open", 3.0)]);
    }
}

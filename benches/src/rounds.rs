//! Rounds: each column in its turn.

use std::collections::BTreeMap;

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::bundle::Bundle;
use crate::column::Column;
use crate::group::{Group, Kind};
use crate::options::Options;
use crate::{engine, footprint, idle, plain_root, work_root};

/// Containers that a column starts in each round of the groups `start` and `engine`.
const STARTS: usize = 5;
/// And with the programs on the disk only.
const COLD_STARTS: usize = 3;
/// When a container is taken to hang.
const PATIENCE: Duration = Duration::from_secs(300);

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
    if let (Kind::Engine, [(_, bundle)]) = (&group.kind, bundles.as_slice()) {
        if let Some(tool) = engine::missing() {
            eprintln!("{}: there is no {tool}", group.name);
            return Ok(results);
        }
        engine::prepare(bundle)?;
    }
    let _project = match (&group.kind, bundles.as_slice()) {
        (Kind::Work, [(_, bundle)]) => Some(work_root::Project::mount(&bundle.root)?),
        _ => None,
    };
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
        Kind::Start | Kind::Engine => {
            Ok(vec![bundle(&plain_root::make(scratch)?, "", &words(&["/bin/micro"]))?])
        }
        Kind::Footprint | Kind::Idle => {
            let count = (plain_root::KNOWN / if options.quick { 10 } else { 1 }).to_string();
            Ok(vec![bundle(&plain_root::make(scratch)?, "", &words(&["/bin/grow", &count]))?])
        }
        Kind::Work => {
            let root = work_root::ensure()?;
            let much = if options.quick { "1" } else { "10" };
            Ok(vec![bundle(&root, "", &words(&["/bin/bash", work_root::SCRIPT, much]))?])
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
            starts("start", STARTS, column, results, || Ok(Some(column.command(bundle))))?;
            starts("start_cold", COLD_STARTS, column, results, || {
                column.forget(bundle)?;
                Ok(Some(column.command(bundle)))
            })?;
        }
        Kind::Engine => {
            starts("podman_run", STARTS, column, results, || Ok(engine::command(column, bundle)))?;
        }
        Kind::Footprint => {
            for (name, value) in footprint::of(&column.command(bundle))? {
                results.add(&name, column, value);
            }
        }
        Kind::Idle => {
            let row = format!("cpu_of_{}", idle::COUNT);
            results.add(&row, column, idle::of(|| column.command(bundle))?);
        }
    }
    Ok(())
}

/// Times some containers, one after the other. What `command` does besides is not counted.
fn starts(
    row: &str,
    count: usize,
    column: &Column,
    results: &mut Results,
    command: impl Fn() -> Result<Option<Command>>,
) -> Result<()> {
    for _ in 0..count {
        let Some(command) = command()? else { break };
        let start = Instant::now();
        output(command)?;
        results.add(row, column, start.elapsed().as_secs_f64() * 1e9);
    }
    Ok(())
}

/// What a container printed on standard output. It is killed if it hangs; what it says on standard error is passed on.
fn output(mut command: Command) -> Result<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
    let out = text(child.stdout.take());
    let err = text(child.stderr.take());
    // No polling at intervals, which would count as time that the container takes.
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("no process id")?;
    let ended = pidfd_open(pid, PidfdFlags::empty())?;
    let patience = Timespec::try_from(PATIENCE)?;
    if poll(&mut [PollFd::new(&ended, PollFlags::IN)], Some(&patience))? == 0 {
        child.kill()?;
    }
    let status = child.wait()?;
    let (out, said) = (out.recv()?, err.recv()?);
    if !status.success() {
        bail!("{status}: {}", said.trim().lines().last().unwrap_or_default());
    }
    said.lines().for_each(|line| eprintln!("{line}"));
    Ok(out)
}

/// What comes through a pipe until its end.
fn text(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
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

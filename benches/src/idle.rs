//! How much of a processor idle containers take.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::apart::Apart;

/// How many containers.
pub(crate) const COUNT: usize = 10;
/// When they have come to rest.
const REST: Duration = Duration::from_secs(2);
/// How long they are watched.
const WATCHED: Duration = Duration::from_secs(3);

/// Nanoseconds of processor time in each second, of all processes of idle containers together.
///
/// # Errors
/// If they cannot be run.
pub(crate) fn of(command: impl Fn() -> Command) -> Result<f64> {
    let mut containers = Vec::new();
    for _ in 0..COUNT {
        let mut container = Apart::start(&command())?;
        container.hear()?.context("a container did not start")?;
        containers.push(container);
    }
    std::thread::sleep(REST);
    let processes: Vec<u32> = containers.iter().flat_map(Apart::processes).collect();
    let used = || processes.iter().map(|pid| used(*pid)).sum::<f64>();
    let before = used();
    std::thread::sleep(WATCHED);
    Ok((used() - before) / WATCHED.as_secs_f64())
}

/// Nanoseconds that a process's threads have run.
fn used(pid: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let times = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    });
    times.sum()
}

//! How much memory the processes of a container take: idle, and for each thing more that its kernel has to remember.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::apart::Apart;

/// When a container has come to rest after its start.
const REST: Duration = Duration::from_secs(2);
/// When it has after it made things.
const PAUSE: Duration = Duration::from_millis(100);

/// Names with KiB of proportional memory (`Pss` of smaps_rollup) of all processes of a container that runs programs/grow.c: of all at first,
/// then how much each thing added.
///
/// # Errors
/// If it cannot be run.
pub(crate) fn of(command: &Command) -> Result<Vec<(String, f64)>> {
    let mut container = Apart::start(command)?;
    let mut rows = Vec::new();
    let mut before = 0.0;
    while let Some((name, count)) = container.hear()? {
        std::thread::sleep(if rows.is_empty() { REST } else { PAUSE });
        let total: f64 = container.processes().into_iter().map(proportional).sum();
        rows.push((name, (total - before) / count));
        before = total;
        container.go_on()?;
    }
    Ok(rows)
}

/// A process that has ended meanwhile has none.
fn proportional(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}

//! How much memory the processes of an idle container take.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

/// When the container has come to rest.
const REST: Duration = Duration::from_secs(3);

/// KiB of proportional memory (`Pss` of smaps_rollup) of all processes that a command has started, three seconds after.
///
/// # Errors
/// If it cannot be run.
pub(crate) fn of(command: Command) -> Result<f64> {
    let before = nested();
    // In a pid namespace of its own, by which everything that it starts can be told apart.
    let mut apart = Command::new("unshare");
    apart
        .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(command.get_program())
        .args(command.get_args());
    let mut child =
        apart.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("cannot run unshare")?;
    std::thread::sleep(REST);
    let total = nested().difference(&before).map(|pid| proportional(*pid)).sum();
    child.wait()?;
    Ok(total)
}

/// The processes in pid namespaces below this one.
fn nested() -> BTreeSet<u32> {
    let own = depth("self").unwrap_or(1);
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| depth(&pid.to_string()).is_some_and(|depth| depth > own)).collect()
}

/// In how many pid namespaces a process is.
fn depth(pid: &str) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    Some(ids.split_whitespace().count())
}

/// A process that has ended meanwhile has none.
fn proportional(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}

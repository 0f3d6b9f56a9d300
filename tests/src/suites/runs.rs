//! Many runs, and what they leave.

use std::time::Duration;

use anyhow::{Result, bail};
use rustix::process::Signal;

use super::support::{LIMIT, Running};
use crate::leftovers::{Traces, names};
use crate::place::Place;
use crate::run::run;
use crate::sandbox::Sandbox;

/// 200 runs in a row, under one name: no process, mount, temporary file or socket is left.
pub(super) fn two_hundred(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "two-hundred", &["true"])?;
    let before = Traces::now()?;
    for number in 0..200 {
        let outcome = run(&mut sandbox.command("again"), b"", Duration::from_secs(10))?;
        if outcome.code != Some(0) || !outcome.stderr.is_empty() {
            bail!("run {number}: {}", outcome.shown());
        }
    }
    let after = Traces::now()?;
    if before != after {
        bail!("before {before:?}, after {after:?}");
    }
    let state = names(&sandbox.state)?;
    let marker = sandbox.bundle.display().to_string();
    let running = crate::leftovers::processes()?;
    if !state.is_empty() || running.iter().any(|process| process.name.contains(&marker)) {
        bail!("state {state:?}, processes {running:?}");
    }
    Ok(())
}

/// What a killed runtime left is found and removed by the next, under the same name and under another.
pub(super) fn state_of_a_killed_run(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "stale", &["sh", "-c", "echo ready; read line"])?;
    for next in ["same", "other"] {
        let mut running = Running::start(&mut sandbox.command("same"))?;
        running.expect("ready")?;
        let tree = running.tree()?;
        running.signal(Signal::KILL)?;
        running.finish()?;
        tree.gone_within(Duration::from_secs(2))?;
        let outcome = run(&mut sandbox.command(next), b"\n", LIMIT)?;
        let left = names(&sandbox.state)?;
        if outcome.code != Some(0) || !left.is_empty() {
            bail!("{next}: left {left:?}, {}", outcome.shown());
        }
    }
    Ok(())
}

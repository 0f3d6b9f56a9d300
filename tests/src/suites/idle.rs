//! Sandboxes in which nothing happens.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::lifecycle::within;
use super::support::{LIMIT, Running};
use crate::place::Place;
use crate::sandbox::Sandbox;

const SANDBOXES: usize = 10;
const WATCHED: Duration = Duration::from_secs(2);
/// What all of them together may take meanwhile: 0.1 % of a processor. It does not depend on what else the machine does.
const ALLOWED: Duration = Duration::from_millis(2);

/// Ten sandboxes that wait for input take no processor time, once they have come to rest.
pub(super) fn ten(place: &Place) -> Result<()> {
    let mut all = Vec::new();
    for number in 0..SANDBOXES {
        let sandbox =
            Sandbox::new(place, &format!("idle-{number}"), &["sh", "-c", "echo up; read line; echo $line"])?;
        let mut running = Running::start(&mut sandbox.command("idle"))?;
        running.expect("up")?;
        all.push(running);
    }
    let mut least = Duration::MAX;
    within(LIMIT, || {
        let before = used(&all)?;
        std::thread::sleep(WATCHED);
        least = least.min(used(&all)?.saturating_sub(before));
        Ok(least <= ALLOWED)
    })
    .with_context(|| format!("{SANDBOXES} idle sandboxes take {least:?} in {WATCHED:?}"))?;
    for mut running in all {
        running.say("over\n")?;
        let outcome = running.finish()?;
        ensure!(outcome.stdout.ends_with(b"over\n") && outcome.code == Some(0), "{}", outcome.shown());
    }
    Ok(())
}

/// Processor time of all threads of all their processes so far.
fn used(all: &[Running]) -> Result<Duration> {
    let mut nanoseconds = 0;
    for running in all {
        let processes = running.tree()?.named("");
        ensure!(
            processes.len() >= 4,
            "runtime, gofer, sentry and the guest are not all there: {processes:?}"
        );
        for pid in processes {
            nanoseconds += times(pid).with_context(|| format!("the times of process {pid}"))?;
        }
    }
    Ok(Duration::from_nanos(nanoseconds))
}

fn times(pid: i32) -> Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // One that has ended takes no more time.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        sum += text.split(' ').next().context("nothing")?.parse::<u64>()?;
    }
    Ok(sum)
}

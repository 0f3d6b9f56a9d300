//! What can be seen of a running sandbox from outside.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::lifecycle::{casemate, create, done, output_of, within};
use super::support::LIMIT;
use crate::place::Place;
use crate::sandbox::Sandbox;

/// Makes so many calls that its thread gets a window, and then none.
const BUSY: &str = "import os, time
for _ in range(20000): os.stat('/')
print('done', flush=True)
time.sleep(1000)";

/// The counters of the hand-off, as text and as JSON.
pub(super) fn platform(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "debug", &["python3", "-c", BUSY])?;
    create(&sandbox)?;
    done(&sandbox, &["start", "c"])?;
    within(LIMIT, || Ok(output_of(&sandbox)? == "done\n")).context("the program does not get on")?;
    let counters: Value =
        serde_json::from_str(&done(&sandbox, &["debug", "--platform", "--format", "json", "c"])?)?;
    let of = |name: &str| counters.get(name).and_then(Value::as_u64).with_context(|| format!("no {name}"));
    ensure!(of("windows")? >= 1, "{counters}");
    // Whoever serves a window is told either by a ring or by looking at it.
    ensure!(of("calls-rung")? + of("calls-polled")? > 1000, "{counters}");

    let text = done(&sandbox, &["debug", "--platform", "c"])?;
    let names: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let known = counters.as_object().context("no object")?;
    ensure!(names.len() == known.len() && names.iter().all(|name| known.contains_key(*name)), "{text}");

    done(&sandbox, &["kill", "c", "KILL"])?;
    done(&sandbox, &["wait", "c"]).ok();
    within(LIMIT, || Ok(casemate(&sandbox, &["debug", "--platform", "c"])?.code == Some(1)))
        .context("a container that has ended is shown")?;
    done(&sandbox, &["delete", "--force", "c"]).map(drop)
}

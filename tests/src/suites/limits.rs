//! A guest that takes too much.

use anyhow::{Result, bail};

use super::support::LIMIT;
use crate::place::Place;
use crate::sandbox::Sandbox;

/// A process that allocates until its limit fails alone; the shell that started it, and the sandbox, go on.
pub(super) fn memory_hog_dies_alone(place: &Place) -> Result<()> {
    let script = "ulimit -v 400000; /cases/bin/memory_hog; echo hog: $?; ls /etc/hostname && echo alive";
    let sandbox = Sandbox::new(place, "hog", &["sh", "-c", script])?;
    let outcome = sandbox.run(b"", LIMIT)?;
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    if outcome.code != Some(0) || !text.ends_with("hog: 3\n/etc/hostname\nalive\n") {
        bail!("{}", outcome.shown());
    }
    Ok(())
}

/// Limits that programs set in control groups of their own hold; a host has no such controllers to compare with as a rule.
pub(super) fn control_groups(place: &Place) -> Result<()> {
    says(
        place,
        "control-limits",
        "/cases/py/control_limits.py",
        include_str!("../../cases/py/control_limits.txt"),
    )
}

/// Hierarchies of version 1, whose controllers a host has elsewhere.
pub(super) fn first_version(place: &Place) -> Result<()> {
    says(
        place,
        "control-first",
        "/cases/py/control_first.py",
        include_str!("../../cases/py/control_first.txt"),
    )
}

/// Runs a program that says so.
fn says(place: &Place, name: &str, program: &str, expected: &str) -> Result<()> {
    let sandbox = Sandbox::new(place, name, &["python3", program])?;
    let outcome = sandbox.run(b"", LIMIT * 3)?;
    if outcome.code != Some(0) || String::from_utf8_lossy(&outcome.stdout) != expected {
        bail!("{}", outcome.shown());
    }
    Ok(())
}

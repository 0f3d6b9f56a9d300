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
    let sandbox = Sandbox::new(place, "control-limits", &["python3", "/cases/py/control_limits.py"])?;
    let outcome = sandbox.run(b"", LIMIT * 3)?;
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    if outcome.code != Some(0) || text != include_str!("../../cases/py/control_limits.txt") {
        bail!("{}", outcome.shown());
    }
    Ok(())
}

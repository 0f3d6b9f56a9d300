//! inotify(7) on a shared mount: what the host changes is heard of, and what the container changes itself is heard of once.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::support::{Running, config};
use crate::place::Place;
use crate::sandbox::Sandbox;

/// What the host does first.
fn changes(at: &Path) -> Result<()> {
    let path = |name: &str| at.join(name);
    fs::write(path("new"), "one")?;
    OpenOptions::new().append(true).open(path("new"))?.write_all(b"two")?;
    fs::set_permissions(path("new"), Permissions::from_mode(0o600))?;
    fs::rename(path("new"), path("moved"))?;
    File::options().write(true).open(path("moved"))?.set_modified(std::time::UNIX_EPOCH)?;
    fs::rename(path("moved"), path("sub/moved"))?;
    fs::remove_file(path("sub/moved"))?;
    fs::create_dir(path("made"))?;
    fs::remove_dir(path("made"))?;
    fs::hard_link(path("watched"), path("second"))?;
    symlink("nowhere", path("symlink"))?;
    fs::write(path("watched"), "again")?;
    fs::remove_file(path("second"))?;
    fs::rename(path("watched"), path("renamed"))?;
    fs::rename(path("renamed"), path("watched"))?;
    fs::write(path("kept"), "")?;
    fs::remove_file(path("watched"))?;
    fs::write(path("end1"), "")?;
    Ok(())
}

/// Runs the program that listens, and makes its changes when it says so.
fn listen(command: &mut Command, at: &Path) -> Result<String> {
    fs::create_dir(at.join("sub"))?;
    fs::write(at.join("watched"), "")?;
    fs::set_permissions(at, Permissions::from_mode(0o777))?;
    let mut running = Running::start(command)?;
    running.expect("go")?;
    changes(at)?;
    running.expect("go")?;
    fs::write(at.join("end2"), "")?;
    running.expect("go")?;
    for number in 0..200 {
        File::create(at.join(format!("h{number}")))?;
    }
    fs::write(at.join("end3"), "")?;
    running.expect("go")?;
    fs::write(at.join("unheard"), "")?;
    running.say("\n")?;
    let outcome = running.finish()?;
    ensure!(outcome.code == Some(0), "{}", outcome.shown());
    Ok(String::from_utf8_lossy(&outcome.stdout).into_owned())
}

/// The same program hears the same of the host and in a container.
fn compared(place: &Place, name: &str, options: &'static [&'static str]) -> Result<()> {
    let directories = ["native", "shared"].map(|kind| place.directory(&format!("{name}-{kind}")));
    let [native, shared] = directories;
    let (native, shared) = (native?, shared?);
    let program = place.cases.join("py/host_changes.py");
    let expected = listen(Command::new("python3").arg(program).arg(&native), &native)?;
    let mut config = config(place, &["python3", "/cases/py/host_changes.py", "/shared"]);
    let mounts = config.pointer_mut("/mounts").and_then(Value::as_array_mut).context("no mounts")?;
    mounts.push(json!({"destination": "/shared", "type": "bind", "source": shared, "options": ["rbind"]}));
    let mut sandbox = Sandbox::with_config(place, name, &config)?;
    sandbox.options = options;
    let said = listen(&mut sandbox.command(name), &shared)
        .with_context(|| format!("what was logged: {}", sandbox.logged()))?;
    ensure!(said == expected, "heard:\n{said}\nwhere the host's program hears:\n{expected}");
    Ok(())
}

pub(super) fn heard(place: &Place) -> Result<()> {
    compared(place, "changes", &[])
}

pub(super) fn heard_directly(place: &Place) -> Result<()> {
    compared(place, "changes-directly", &["--directfs=on"])
}

pub(super) fn heard_uncached(place: &Place) -> Result<()> {
    compared(place, "changes-uncached", &["--file-access-mounts", "none"])
}

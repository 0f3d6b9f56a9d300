//! What is wrong is told in one sentence that names the field or path, and nothing is left behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Result, bail};
use serde_json::json;

use super::support::{LIMIT, config, set};
use crate::leftovers::names;
use crate::place::Place;
use crate::root::Root;
use crate::run::run;
use crate::sandbox::Sandbox;

/// Runs what cannot run: exit code 1, one line on standard error that has all the words, and no state left.
fn refused(sandbox: &Sandbox, id: &str, words: &[&str]) -> Result<()> {
    let outcome = run(&mut sandbox.command(id), b"", LIMIT)?;
    let message = String::from_utf8_lossy(&outcome.stderr).into_owned();
    let told = message.lines().count() == 1 && words.iter().all(|word| message.contains(word));
    if outcome.code != Some(1) || !told || !outcome.stdout.is_empty() {
        bail!("expected exit code 1 and one line with {words:?}, found {}", outcome.shown());
    }
    let left = names(&sandbox.state)?;
    if !left.is_empty() {
        bail!("left in the state directory: {left:?}");
    }
    Ok(())
}

pub(super) fn no_configuration(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "no-configuration", &["true"])?;
    fs::remove_file(sandbox.bundle.join("config.json"))?;
    refused(&sandbox, "a", &["config.json", "no such file"])
}

pub(super) fn malformed_configuration(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "malformed", &["true"])?;
    for (text, words) in [
        ("{\n  \"process\": ]\n}", ["line 2 column 14", "process"]),
        (r#"{"process": {"user": {"uid": "root"}, "cwd": "/"}}"#, ["process.user.uid", "line 1"]),
        (r#"{"root": {"path": "/"}}"#, ["process", "missing"]),
        (
            r#"{"process": {"user": {}, "cwd": "/", "args": []}, "root": {"path": "/"}}"#,
            ["process.args", "no program"],
        ),
    ] {
        fs::write(sandbox.bundle.join("config.json"), text)?;
        refused(&sandbox, "a", &words)?;
    }
    Ok(())
}

pub(super) fn unknown_mount_type(place: &Place) -> Result<()> {
    let mut config = config(place, &["true"]);
    set(&mut config, "/mounts", json!([{"destination": "/mnt", "type": "floppy"}]))?;
    let sandbox = Sandbox::with_config(place, "unknown-mount", &config)?;
    refused(&sandbox, "a", &["mounts[0].type", "floppy"])
}

pub(super) fn executable_missing(place: &Place) -> Result<()> {
    refused(&Sandbox::new(place, "missing", &["no-such-program"])?, "a", &["no-such-program", "not found"])?;
    refused(&Sandbox::new(place, "missing", &["/bin/absent"])?, "a", &["/bin/absent", "no such file"])
}

pub(super) fn executable_without_permission(place: &Place) -> Result<()> {
    refused(&Sandbox::new(place, "permission", &["/etc/passwd"])?, "a", &["/etc/passwd", "permission denied"])
}

pub(super) fn executable_of_another_architecture(place: &Place) -> Result<()> {
    let root = Root::own(place, &place.root, "architecture")?;
    let program = root.path().join("arm");
    // The header of a program for AArch64 (machine 183).
    let mut header =
        vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 183, 0, 1, 0, 0, 0];
    header.resize(4096, 0);
    fs::write(&program, header)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let config = crate::bundle::config(root.path(), place, &["/arm"], false);
    refused(&Sandbox::with_config(place, "architecture", &config)?, "a", &["/arm", "exec format error"])
}

pub(super) fn root_missing(place: &Place) -> Result<()> {
    let mut config = config(place, &["true"]);
    set(&mut config, "/root/path", json!("/no/such/root"))?;
    refused(&Sandbox::with_config(place, "root-missing", &config)?, "a", &["/no/such/root", "no such file"])
}

pub(super) fn root_is_a_file(place: &Place) -> Result<()> {
    let mut config = config(place, &["true"]);
    set(&mut config, "/root/path", json!(place.root.join("etc/hostname")))?;
    refused(&Sandbox::with_config(place, "root-file", &config)?, "a", &["etc/hostname", "not a directory"])
}

pub(super) fn working_directory_missing(place: &Place) -> Result<()> {
    let mut config = config(place, &["true"]);
    set(&mut config, "/process/cwd", json!("/etc/hostname"))?;
    refused(&Sandbox::with_config(place, "cwd-file", &config)?, "a", &["/etc/hostname", "not a directory"])
}

pub(super) fn id_in_use(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "in-use", &["sh", "-c", "echo ready; read line"])?;
    let mut first = super::support::Running::start(&mut sandbox.command("same"))?;
    first.expect("ready")?;
    let outcome = run(&mut sandbox.command("same"), b"", LIMIT)?;
    let message = String::from_utf8_lossy(&outcome.stderr);
    if outcome.code != Some(1)
        || !message.contains("\"same\" is already in use")
        || message.lines().count() != 1
    {
        bail!("the second run: {}", outcome.shown());
    }
    first.say("\n")?;
    match first.finish()?.code {
        Some(0) => Ok(()),
        other => bail!("the first run ended with {other:?}"),
    }
}

pub(super) fn id_invalid(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "id", &["true"])?;
    for id in ["a/b", "..", ".", "", "a b"] {
        refused(&sandbox, id, &["container ID", "invalid"])?;
    }
    Ok(())
}

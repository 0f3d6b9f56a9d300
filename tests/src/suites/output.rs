//! Standard output that is shared with others.

use std::fs::{File, OpenOptions};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::support::LIMIT;
use crate::place::Place;
use crate::run::wait;
use crate::sandbox::Sandbox;

/// Two containers and a native shell append to one file: nothing is overwritten.
pub(super) fn append_to_a_shared_file(place: &Place) -> Result<()> {
    let path = place.directory("append")?.join("log");
    let open = || OpenOptions::new().append(true).create(true).open(&path);
    let script = "i=0; while [ $i -lt 200 ]; do echo line; i=$((i+1)); done";
    let first = Sandbox::new(place, "append-a", &["sh", "-c", script])?;
    let second = Sandbox::new(place, "append-b", &["sh", "-c", script])?;
    let mut children = vec![
        first.command("a").stdout(Stdio::from(open()?)).spawn()?,
        second.command("b").stdout(Stdio::from(open()?)).spawn()?,
        Command::new("sh").args(["-c", script]).stdout(Stdio::from(open()?)).spawn()?,
    ];
    for child in &mut children {
        if wait(child, LIMIT)? != Some(0) {
            bail!("a writer failed");
        }
    }
    let text = std::fs::read_to_string(&path)?;
    if text != "line\n".repeat(600) {
        bail!("{} of 600 lines are there", text.lines().filter(|line| *line == "line").count());
    }
    Ok(())
}

/// A file that is not open for appending: what a shell wrote before and after stays, because the offset is one.
pub(super) fn offset_of_a_shared_file(place: &Place) -> Result<()> {
    let path = place.directory("offset")?.join("log");
    let sandbox = Sandbox::new(place, "offset", &["sh", "-c", "echo inside; echo more"])?;
    let inside = sandbox.command("offset");
    let inside = std::iter::once(inside.get_program()).chain(inside.get_args());
    let mut shell = Command::new("sh");
    shell.args(["-c", "echo before; \"$@\"; echo after", "sh"]).args(inside);
    let mut child = shell.stdout(Stdio::from(File::create(&path)?)).spawn()?;
    wait(&mut child, LIMIT)?;
    let text = std::fs::read_to_string(&path)?;
    if text != "before\ninside\nmore\nafter\n" {
        bail!("found {text:?}");
    }
    Ok(())
}

/// The reader goes away: the writer inside gets SIGPIPE, and the sandbox ends.
pub(super) fn closed_pipe(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "closed-pipe", &["sh", "-c", "yes; echo yes: $? >&2"])?;
    let inside = sandbox.command("pipe");
    let inside = std::iter::once(inside.get_program()).chain(inside.get_args());
    let mut shell = Command::new("timeout");
    shell.args(["120", "sh", "-c", "\"$@\" | head -n 3", "sh"]).args(inside);
    let output = shell.output()?;
    if output.stdout != b"y\ny\ny\n" || output.stderr != b"yes: 141\n" {
        bail!("{output:?}");
    }
    Ok(())
}

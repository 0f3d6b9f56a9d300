//! Whatever of a sandbox is killed, all of it ends, and somebody says why.

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::support::{LIMIT, Running, send};
use crate::leftovers::{Tree, names};
use crate::place::Place;
use crate::sandbox::Sandbox;

/// A container with several processes, up and running.
fn start(place: &Place, name: &str) -> Result<(Sandbox, Running, Tree)> {
    let program = "sleep 1000 & sleep 1000 & echo ready; read line";
    let sandbox = Sandbox::new(place, name, &["sh", "-c", program])?;
    let mut running = Running::start(&mut sandbox.command(name))?;
    running.expect("ready")?;
    let tree = running.tree()?;
    Ok((sandbox, running, tree))
}

/// Kills what `pick` finds, and expects the end with these words on standard error.
fn killed(place: &Place, name: &str, pick: fn(&Tree, i32) -> Option<i32>, words: &[&str]) -> Result<()> {
    let (sandbox, running, tree) = start(place, name)?;
    let victim =
        pick(&tree, running.pid()?).with_context(|| format!("what should be killed is not in {tree:?}"))?;
    send(victim, Signal::KILL)?;
    tree.gone_within(LIMIT)?;
    let outcome = running.finish()?;
    let message = String::from_utf8_lossy(&outcome.stderr);
    if !words.iter().all(|word| message.contains(word)) {
        bail!("expected {words:?}, found {}", outcome.shown());
    }
    let left = names(&sandbox.state)?;
    if !left.is_empty() {
        bail!("left in the state directory: {left:?}");
    }
    Ok(())
}

pub(super) fn casemate_killed(place: &Place) -> Result<()> {
    let (_, running, tree) = start(place, "casemate-killed")?;
    running.signal(Signal::KILL)?;
    tree.gone_within(LIMIT)?;
    let outcome = running.finish()?;
    if !String::from_utf8_lossy(&outcome.stderr).contains("the runtime process is gone") {
        bail!("nobody said why: {}", outcome.shown());
    }
    Ok(())
}

fn init(tree: &Tree, casemate: i32) -> Option<i32> {
    let sandbox = tree.named("casemate-sandbox");
    tree.children(casemate).into_iter().find(|pid| sandbox.contains(pid))
}

pub(super) fn init_killed(place: &Place) -> Result<()> {
    killed(place, "init-killed", init, &["the sentry", "killed by signal 9"])
}

pub(super) fn sentry_killed(place: &Place) -> Result<()> {
    killed(place, "sentry-killed", sentry, &["the sentry was killed by signal 9"])
}

fn sentry(tree: &Tree, casemate: i32) -> Option<i32> {
    tree.children(init(tree, casemate)?).first().copied()
}

pub(super) fn gofer_killed(place: &Place) -> Result<()> {
    let gofer = |tree: &Tree, _| tree.named("casemate-gofer").first().copied();
    killed(place, "gofer-killed", gofer, &["the gofer was killed by signal 9"])
}

/// The stub of the first process: that process dies as of a kill, and its container with it.
pub(super) fn stub_killed(place: &Place) -> Result<()> {
    let (sandbox, running, tree) = start(place, "stub-killed")?;
    let sentry = sentry(&tree, running.pid()?).context("there is no sentry")?;
    for stub in tree.children(sentry) {
        // Also the zygote, and stubs that wait for a program.
        let _ = send(stub, Signal::KILL);
    }
    tree.gone_within(LIMIT)?;
    let outcome = running.finish()?;
    let log = sandbox.logged();
    if outcome.code == Some(0) || !log.contains("the host killed a process") {
        bail!("expected a failure and a message: {}\n{log}", outcome.shown());
    }
    Ok(())
}

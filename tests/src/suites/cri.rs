//! Kubernetes' interface of containerd (CRI): what a kubelet asks, of pods by runc and by casemate.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::containerd::Containerd;
use crate::enclosure;
use crate::place::Place;
use crate::run::{Outcome, run};
use crate::skip::skip;
use crate::tools::available;

const CLIENT: &str = include_str!("cri.py");
const LIMIT: Duration = Duration::from_secs(900);
/// The one that Debian's modules are for.
const PYTHON: &str = "/usr/bin/python3";

/// Plays the kubelet with one of the runtimes that containerd knows.
fn play(containerd: &Containerd, runtime: &str) -> Result<Outcome> {
    let logs = containerd.store.join(runtime);
    std::fs::create_dir(&logs)?;
    let mut command = Command::new(PYTHON);
    command
        .args(["-c", CLIENT])
        .arg(containerd.store.join("c.sock"))
        .args([runtime, "localhost/small:latest"]);
    command.arg(&logs).arg(format!("/casemate-e2e-{}-cri-{runtime}", enclosure::run()));
    run(&mut command, b"", LIMIT)
}

/// Pods with processes apart, together and seen for debugging; executions, logs, ends and exit codes: all as with runc.
pub(super) fn as_runc(place: &Place) -> Result<()> {
    let module = run(Command::new(PYTHON).args(["-c", "import grpc"]), b"", LIMIT);
    if !module.is_ok_and(|outcome| outcome.code == Some(0)) {
        return skip("needs python3-grpcio");
    }
    for tool in ["runc", "containerd-shim-runc-v2"] {
        if !available(tool) {
            return skip(&format!("needs {tool}"));
        }
    }
    let containerd = Containerd::of_kubernetes(place, "cri")?;
    let expected = play(&containerd, "runc")?;
    ensure!(expected.code == Some(0), "runc: {}\n{}", expected.shown(), containerd.logged());
    let found = play(&containerd, "casemate")?;
    ensure!(found.code == Some(0), "{}\n{}", found.shown(), containerd.logged());
    ensure!(found.stdout == expected.stdout, "{}\nwith runc: {}", found.shown(), expected.shown());
    containerd.nothing_is_left()
}

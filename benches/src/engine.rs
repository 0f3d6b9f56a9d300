//! Containers started by an engine: what a user waits for at `podman run`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use integration_tests::tools::{available, succeed};

use crate::bundle::Bundle;
use crate::column::Column;

/// The image.
const IMAGE: &str = "localhost/bench";

/// Whether there is an engine.
pub(crate) fn missing() -> Option<&'static str> {
    ["podman", "conmon"].into_iter().find(|tool| !available(tool))
}

/// Makes an image of a bundle's root, in a store of its own.
///
/// # Errors
/// If the engine cannot take it.
pub(crate) fn prepare(bundle: &Bundle) -> Result<()> {
    let archive = bundle.directory.join("image.tar");
    succeed(Command::new("tar").arg("-C").arg(&bundle.root).arg("-cf").arg(&archive).arg("."))?;
    succeed(podman(&bundle.directory).args(["import", "--quiet"]).arg(&archive).arg(IMAGE))
}

/// `podman run --rm IMAGE PROGRAM` with a column's runtime. Nothing for a column that is none.
pub(crate) fn command(column: &Column, bundle: &Bundle) -> Option<Command> {
    let (runtime, options) = column.runtime()?.split_first()?;
    let mut command = podman(&bundle.directory);
    command.arg("--runtime").arg(runtime);
    for option in options {
        command.arg("--runtime-flag").arg(option.trim_start_matches('-'));
    }
    command
        .args([
            "run",
            "--rm",
            "--network=none",
            "--ulimit=nofile=1024:1024",
            "--ulimit=nproc=4096:4096",
            IMAGE,
        ])
        .args(&bundle.arguments);
    Some(command)
}

fn podman(directory: &Path) -> Command {
    let mut command = Command::new("podman");
    command.arg("--root").arg(directory.join("store")).arg("--runroot").arg(directory.join("run"));
    command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file"]);
    command
}

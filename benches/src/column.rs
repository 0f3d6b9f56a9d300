//! The ways to run a container.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use integration_tests::tools::available;

use crate::bundle::Bundle;
use crate::cold;
use crate::options::Options;

/// Enters the root of a bundle with the mounts that a container has.
const NATIVE: &str = r#"mount -t tmpfs -o mode=1777 tmpfs "$0/tmp" && mount -t proc proc "$0/proc" &&
mount -t tmpfs tmpfs "$0/dev" && mknod -m 666 "$0/dev/zero" c 1 5 && mknod -m 666 "$0/dev/null" c 1 3 &&
mknod -m 666 "$0/dev/urandom" c 1 9 && mknod -m 666 "$0/dev/fuse" c 10 229 && ip link set lo up 2>/dev/null; exec chroot "$0" "$@""#;

/// A way to run a container.
pub(crate) struct Column {
    pub(crate) name: String,
    how: How,
    pin: Option<String>,
}

enum How {
    /// In new namespaces of the host: the base of all comparisons.
    Native,
    /// By an OCI runtime.
    Runtime { command: Vec<String>, state: PathBuf, started: AtomicU32 },
}

/// All that the options and the machine offer, native first.
///
/// # Errors
/// If the binary to be measured is not named, or state directories cannot be made.
pub(crate) fn columns(options: &Options, scratch: &Path) -> Result<Vec<Column>> {
    let ours = std::env::var("CASEMATE").context("CASEMATE does not name the binary to measure")?;
    let mut runtimes = vec![(String::from("casemate"), ours)];
    if let Some(other) = &options.against {
        runtimes.push((String::from("against"), other.display().to_string()));
    }
    runtimes.extend(options.peers.iter().cloned());
    for installed in ["runc", "crun"] {
        if available(installed) && !runtimes.iter().any(|(name, _)| name == installed) {
            runtimes.push((String::from(installed), String::from(installed)));
        }
    }
    let mut columns =
        vec![Column { name: String::from("native"), how: How::Native, pin: options.pin.clone() }];
    for (name, command) in runtimes {
        let state = scratch.join(format!("state-{name}"));
        std::fs::create_dir_all(&state)?;
        let mut command: Vec<String> = command.split_whitespace().map(String::from).collect();
        if name == "runsc" && command.len() == 1 {
            let usual = ["--network=none", "--ignore-cgroups", "--platform=systrap"];
            command.extend(usual.map(String::from));
        }
        let how = How::Runtime { command, state, started: AtomicU32::new(0) };
        columns.push(Column { name, how, pin: options.pin.clone() });
    }
    columns.retain(|column| options.wants_column(&column.name));
    Ok(columns)
}

impl Column {
    /// Puts out of the page cache what a start of the bundle's program reads: that program, and the runtime's.
    ///
    /// # Errors
    /// Those of the files.
    pub(crate) fn forget(&self, bundle: &Bundle) -> Result<()> {
        let guest = bundle.arguments.first().map(|name| bundle.root.join(name.trim_start_matches('/')));
        let runtime = match &self.how {
            How::Native => Vec::new(),
            How::Runtime { command, .. } => {
                command.first().map(|name| cold::program(name)).unwrap_or_default()
            }
        };
        guest.iter().chain(&runtime).try_for_each(|file| cold::forget(file))
    }

    /// An OCI runtime, with its options.
    pub(crate) fn runtime(&self) -> Option<&[String]> {
        match &self.how {
            How::Native => None,
            How::Runtime { command, .. } => Some(command),
        }
    }

    /// The command that runs a bundle's program to its end.
    pub(crate) fn command(&self, bundle: &Bundle) -> Command {
        let mut words: Vec<String> = Vec::new();
        if let Some(cpus) = &self.pin {
            words.extend(["taskset", "-c", cpus].map(String::from));
        }
        match &self.how {
            How::Native => {
                words.extend(
                    ["unshare", "-mpn", "--fork", "--kill-child", "sh", "-c", NATIVE].map(String::from),
                );
                words.push(bundle.root.display().to_string());
                words.extend(bundle.arguments.iter().cloned());
            }
            How::Runtime { command, state, started } => {
                let number = started.fetch_add(1, Ordering::Relaxed);
                let id = format!("bench-{}-{}-{number}", self.name, std::process::id());
                words.extend(command.iter().cloned());
                words.extend(["--root".into(), state.display().to_string(), "run".into(), "--bundle".into()]);
                words.extend([bundle.directory.display().to_string(), id]);
            }
        }
        let mut rest = words.into_iter();
        let mut command = Command::new(rest.next().unwrap_or_default());
        command.args(rest);
        command
    }
}

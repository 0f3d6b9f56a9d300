//! The walls around a test run: its own pid and mount namespaces, with a scratch file system that exists only there.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};

/// Set in the environment of the process inside: the id that the process outside has on the host.
const INSIDE: &str = "CASEMATE_E2E_INSIDE";

/// What tells this run from others that go on beside it, in names that all of them see.
#[must_use]
pub fn run() -> String {
    std::env::var(INSIDE).unwrap_or_default()
}

/// What the run needs that this machine lacks, if anything.
#[must_use]
pub fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("needs root, to build and enter the test root".to_owned());
    }
    let tools = ["unshare", "mmdebstrap", "tmux"];
    let absent = tools.iter().find(|tool| !crate::tools::available(tool));
    absent.map(|tool| format!("needs {tool}"))
}

/// Runs the whole program again inside, unless this is that run already. Does not return outside.
///
/// The shell is pid 1 and collects orphans. `--kill-child` ends it, and with it everything, when `unshare` dies.
///
/// # Errors
/// If namespaces cannot be made.
pub fn enter() -> Result<()> {
    if std::env::var_os(INSIDE).is_some() {
        return Ok(());
    }
    let program = std::env::current_exe().context("cannot find this program")?;
    let error = Command::new("unshare")
        .args(["--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--"])
        .args(["sh", "-c", "\"$@\"; exit $?", "sh"])
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, std::process::id().to_string())
        .exec();
    bail!("cannot run unshare: {error}")
}

/// Mounts an empty file system in memory over a directory. Nobody outside sees it.
///
/// # Errors
/// If the directory cannot be made or mounted on.
pub fn scratch(directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    mount("scratch", directory, "tmpfs", MountFlags::empty(), None)
        .with_context(|| format!("cannot mount {}", directory.display()))
}

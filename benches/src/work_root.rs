//! The root of the larger benchmarks: the Debian of the end-to-end tests, with some servers and the source of a C project.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use integration_tests::testroot::{self, Extra};
use integration_tests::tools::succeed;

/// What it has besides what the tests need.
const PACKAGES: &[&str] = &["curl", "fio", "nginx-light", "redis-server", "redis-tools", "ripgrep", "wrk"];
/// The source packages that are unpacked and compiled.
const SOURCES: &[&str] = &["lua5.4", "redis"];
/// The script, within the root.
pub(crate) const SCRIPT: &str = "/bench/work.sh";

const TEXT: &str = include_str!("../programs/work.sh");

/// Builds it unless it is there, and puts the script into it.
///
/// # Errors
/// If mmdebstrap fails.
pub(crate) fn ensure() -> Result<PathBuf> {
    let root =
        testroot::ensure_with(&Extra { name: "benchroot", packages: PACKAGES, sources: SOURCES, build: "" })?;
    let script = root.join(SCRIPT.trim_start_matches('/'));
    let directory = script.parent().context("the script lies in no directory")?;
    std::fs::create_dir_all(directory)?;
    std::fs::write(&script, TEXT)?;
    Ok(root)
}

/// A file system in memory where the script keeps its projects, within the root. A disk's would be measured instead of the runtime, and be
/// slower for whoever comes after much was deleted. It is unmounted when this is dropped.
pub(crate) struct Project(PathBuf);

impl Project {
    /// Mounts it.
    ///
    /// # Errors
    /// Those of mount(8).
    pub(crate) fn mount(root: &Path) -> Result<Self> {
        let project = Self(root.join("bench/work"));
        std::fs::create_dir_all(&project.0)?;
        // A killed run may have left one.
        project.unmount();
        succeed(Command::new("mount").args(["-t", "tmpfs", "casemate-bench"]).arg(&project.0))?;
        Ok(project)
    }

    fn unmount(&self) {
        let mut command = Command::new("umount");
        let _ = command.arg("--lazy").arg(&self.0).stderr(Stdio::null()).status();
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.unmount();
    }
}

//! The root of the larger benchmarks: the Debian of the end-to-end tests, with some servers and the source of a C project.

use std::path::PathBuf;

use anyhow::{Context, Result};
use integration_tests::testroot::{self, Extra};

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
    let root = testroot::ensure_with(&Extra { name: "benchroot", packages: PACKAGES, sources: SOURCES })?;
    let script = root.join(SCRIPT.trim_start_matches('/'));
    let directory = script.parent().context("the script lies in no directory")?;
    std::fs::create_dir_all(directory)?;
    std::fs::write(&script, TEXT)?;
    Ok(root)
}

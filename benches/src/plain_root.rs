//! The root of the small benchmarks: one static program, and files to look at.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use integration_tests::tools::succeed;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/programs/micro.c");

/// Makes it.
///
/// # Errors
/// Those of the compiler and the file system.
pub(crate) fn make(scratch: &Path) -> Result<PathBuf> {
    let root = scratch.join("plain-root");
    if root.is_dir() {
        return Ok(root);
    }
    for directory in ["bin", "tmp", "proc", "dev", "sys", "many", "deep/er/and/deeper"] {
        std::fs::create_dir_all(root.join(directory))?;
    }
    succeed(
        Command::new("gcc").args(["-O2", "-static", "-pthread", PROGRAM, "-o"]).arg(root.join("bin/micro")),
    )?;
    std::fs::write(root.join("data"), vec![7; 1 << 20])?;
    std::fs::write(root.join("deep/er/and/deeper/file"), b"x")?;
    for number in 0..500 {
        std::fs::write(root.join("many").join(number.to_string()), b"")?;
    }
    Ok(root)
}

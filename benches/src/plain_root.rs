//! The root of the small benchmarks: two static programs, and files to look at.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use integration_tests::tools::succeed;

const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/programs");
/// How many files there are to be known.
pub(crate) const KNOWN: usize = 1000;

/// Makes it.
///
/// # Errors
/// Those of the compiler and the file system.
pub(crate) fn make(scratch: &Path) -> Result<PathBuf> {
    let root = scratch.join("plain-root");
    if root.is_dir() {
        return Ok(root);
    }
    for directory in ["bin", "tmp", "proc", "dev", "sys", "many", "known", "deep/er/and/deeper"] {
        std::fs::create_dir_all(root.join(directory))?;
    }
    for program in ["micro", "grow"] {
        let source = format!("{PROGRAMS}/{program}.c");
        let compiled = root.join("bin").join(program);
        succeed(Command::new("gcc").args(["-O2", "-static", "-pthread", &source, "-o"]).arg(compiled))?;
    }
    std::fs::write(root.join("data"), vec![7; 1 << 20])?;
    std::fs::write(root.join("deep/er/and/deeper/file"), b"x")?;
    for number in 0..500 {
        std::fs::write(root.join("many").join(number.to_string()), b"")?;
    }
    for number in 0..KNOWN {
        std::fs::write(root.join("known").join(number.to_string()), b"")?;
    }
    Ok(root)
}

//! Programs of `tests/cases/c`, compiled when a test first wants them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The static program made from a file of `tests/cases/c`, or nothing (with a word why) where there is no compiler.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    compile(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/c"), name)
}

/// The first process of the sandbox.
pub(crate) fn init() -> Option<PathBuf> {
    compile(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests"), "init")
}

fn compile(sources: &Path, name: &str) -> Option<PathBuf> {
    let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let made = binary.with_extension(std::process::id().to_string());
    let compiler = Command::new("gcc")
        .args(["-static", "-no-pie", "-O1", "-pthread", "-o"])
        .arg(&made)
        .arg(sources.join(format!("{name}.c")))
        .arg("-lm")
        .status();
    match compiler {
        Ok(status) => assert!(status.success(), "{name}.c does not compile"),
        Err(error) => {
            eprintln!("skipped: no gcc to make programs with ({error})");
            return None;
        }
    }
    // Tests run at once, and several want the same program: none may find half of it.
    std::fs::rename(&made, &binary).unwrap();
    Some(binary)
}

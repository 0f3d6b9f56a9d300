//! Guest programs, compiled from C when a test wants them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The static program made from `tests/guests/NAME.c`, or nothing (with a word why) where there is no compiler.
pub(crate) fn guest(name: &str) -> Option<PathBuf> {
    static LOCK: Mutex<()> = Mutex::new(());
    let _guard = LOCK.lock();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests").join(format!("{name}.c"));
    let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    if !binary.exists() {
        let compiler = Command::new("gcc")
            .args(["-static", "-no-pie", "-O1", "-pthread", "-mavx", "-o"])
            .arg(&binary)
            .arg(&source)
            .status();
        match compiler {
            Ok(status) => assert!(status.success(), "{name}.c does not compile"),
            Err(error) => {
                eprintln!("skipped: no gcc to make guests with ({error})");
                return None;
            }
        }
    }
    Some(binary)
}

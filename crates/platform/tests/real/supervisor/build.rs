//! Guest programs, compiled from C when a test first wants them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The static program made from `tests/guests/NAME.c`, or nothing (with a word why) where there is no compiler.
pub(crate) fn guest(name: &str) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests").join(format!("{name}.c"));
    let mut hash = DefaultHasher::new();
    std::fs::read(&source).unwrap().hash(&mut hash);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let binary = directory.join(format!("{name}-{:x}", hash.finish()));
    if binary.exists() {
        return Some(binary);
    }
    // Several tests may do this at once: each writes its own, and the last one stays.
    let own = directory.join(format!("{name}-{}-{:?}", std::process::id(), std::thread::current().id()));
    let compiler = Command::new("gcc")
        .args(["-static", "-no-pie", "-O1", "-pthread", "-mavx", "-o"])
        .arg(&own)
        .arg(&source)
        .status();
    match compiler {
        Ok(status) => assert!(status.success(), "{name}.c does not compile"),
        Err(error) => {
            eprintln!("skipped: no gcc to make guests with ({error})");
            return None;
        }
    }
    std::fs::rename(own, &binary).unwrap();
    Some(binary)
}

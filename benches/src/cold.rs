//! The state of a machine on which a program has not run for long: its file is not in the page cache.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::{Advice, fadvise};

/// Puts a file out of the page cache. Pages that somebody has mapped stay.
///
/// # Errors
/// Those of opening and writing it back.
pub(crate) fn forget(file: &Path) -> Result<()> {
    let open = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    // Only what is written back can go.
    open.sync_all()?;
    fadvise(&open, 0, None, Advice::DontNeed)?;
    Ok(())
}

/// The file of a command, and the interpreter of a script.
pub(crate) fn program(name: &str) -> Vec<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = match name.contains('/') {
        true => Some(PathBuf::from(name)),
        false => {
            std::env::split_paths(&paths).map(|directory| directory.join(name)).find(|path| path.is_file())
        }
    };
    let interpreter = found.as_deref().and_then(interpreter);
    found.into_iter().chain(interpreter).collect()
}

fn interpreter(script: &Path) -> Option<PathBuf> {
    let mut start = Vec::new();
    File::open(script).ok()?.take(256).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let word = line.split(|byte| *byte == b' ').find(|word| !word.is_empty())?;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_found_as_a_shell_finds_it() {
        assert_eq!(program("/no/such/file"), [PathBuf::from("/no/such/file")]);
        assert!(program("sh").iter().any(|path| path.ends_with("sh")));
        assert!(program("there-is-no-such-command").is_empty());
    }

    #[test]
    fn a_forgotten_file_is_read_as_before() {
        let file = std::env::temp_dir().join(format!("cold-{}", std::process::id()));
        std::fs::write(&file, b"here").unwrap();
        forget(&file).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"here");
        std::fs::remove_file(&file).unwrap();
    }
}

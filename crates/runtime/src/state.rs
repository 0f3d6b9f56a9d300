//! The state directory: one directory per container, locked while the container is there.
//!
//! A directory that nobody has locked was left by a runtime that was killed, and is removed by whoever comes next.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::error::{Error, Trying};

/// A container's entry, until it is dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    root: PathBuf,
    directory: PathBuf,
    /// Holds the lock.
    _lock: File,
}

/// The directory that is used unless another is named.
pub(crate) fn default_root() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(runtime) if !rustix::process::geteuid().is_root() => Path::new(&runtime).join("casemate"),
        _ => PathBuf::from("/run/casemate"),
    }
}

/// Takes a name.
pub(crate) fn create(root: &Path, id: &str) -> Result<Entry, Error> {
    check_id(id)?;
    fs::create_dir_all(root).trying_on("create", root)?;
    // Held only here: while it is, no directory is without its lock for a harmless reason.
    let _creating = lock(root)?;
    remove_stale(root)?;
    let directory = root.join(id);
    match fs::create_dir(&directory) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(Error::IdInUse(id.to_owned())),
        other => other.trying_on("create", &directory)?,
    }
    let lock = lock(&directory)?;
    Ok(Entry { root: root.to_owned(), directory, _lock: lock })
}

impl Drop for Entry {
    fn drop(&mut self) {
        let creating = lock(&self.root);
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            tracing::warn!("cannot remove {}: {error}", self.directory.display());
        }
        drop(creating);
    }
}

/// As runc's: letters, digits, `_`, `+`, `-` and `.`, and not a name with a meaning to the file system.
fn check_id(id: &str) -> Result<(), Error> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+-.".contains(c);
    if id.is_empty() || matches!(id, "." | "..") || !id.chars().all(allowed) || id.len() > 255 {
        return Err(Error::InvalidId(id.to_owned()));
    }
    Ok(())
}

fn lock(directory: &Path) -> Result<File, Error> {
    let file = File::open(directory).trying_on("open", directory)?;
    rustix::io::retry_on_intr(|| flock(&file, FlockOperation::LockExclusive)).trying_on("lock", directory)?;
    Ok(file)
}

fn remove_stale(root: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(root).trying_on("read", root)?.flatten() {
        let path = entry.path();
        let unlocked = entry.file_type().is_ok_and(|kind| kind.is_dir())
            && File::open(&path)
                .is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok());
        if unlocked {
            tracing::info!("removing {}, which a killed runtime left", path.display());
            fs::remove_dir_all(&path).trying_on("remove", &path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_until_its_entry_is_dropped() {
        let root = tempfile::tempdir().unwrap();
        let first = create(root.path(), "a").unwrap();
        let other = create(root.path(), "b").unwrap();
        assert!(matches!(create(root.path(), "a"), Err(Error::IdInUse(_))));
        drop(first);
        drop(create(root.path(), "a").unwrap());
        drop(other);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_runtime_left_is_removed() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("dead")).unwrap();
        fs::write(root.path().join("dead/file"), "").unwrap();
        let alive = create(root.path(), "alive").unwrap();
        assert!(!root.path().join("dead").exists());
        assert!(root.path().join("alive").exists());
        drop(alive);
    }

    #[test]
    fn names_are_checked() {
        for bad in ["", ".", "..", "a/b", "/", "a b", "a\n", "ä", "a,b", &"x".repeat(256)] {
            assert!(matches!(check_id(bad), Err(Error::InvalidId(_))), "{bad:?}");
        }
        for good in ["a", "A-1_b.c+d", "...", &"x".repeat(255)] {
            assert!(check_id(good).is_ok(), "{good:?}");
        }
    }
}

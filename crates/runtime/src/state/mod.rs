//! The state directory: one directory per container, with a [`Record`] and the sentry's control socket.
//!
//! Whoever creates a container holds a lock on its directory until the record is complete, and in the foreground until the container is
//! gone. A directory that nobody has locked and whose record is missing or says that its creator should still be there was left by a
//! runtime that was killed: whoever comes next removes it, with what it held. Records are written whole and renamed into
//! place. What changes while a container lives (created, running, paused) is asked of its sentry and not recorded, but for a file that says
//! that its program was started: a sentry that a signal has stopped cannot be asked.

mod container;
mod description;
mod process;
mod record;
mod time;

use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};

pub(crate) use container::{Container, Status, answer, ask, ask_at_length, unexpected};
pub(crate) use description::State;
pub(crate) use process::Process;
pub(crate) use record::{Holder, Record};
pub(crate) use time::{ago, now};

use crate::command_line::Global;
use crate::error::{Error, Trying};

/// The record's name in a container's directory.
const RECORD: &str = "state.json";
/// The control socket's.
const SOCKET: &str = "control.sock";
/// How many commands may wait for the sentry at once.
const BACKLOG: i32 = 64;

/// The state directory.
#[derive(Clone, Debug)]
pub(crate) struct Root(PathBuf);

/// A container's directory, for whoever creates the container. Dropping it removes the directory, unless the container is to stay.
#[derive(Debug)]
pub(crate) struct Entry {
    root: Root,
    directory: PathBuf,
    stays: bool,
    /// Holds the lock.
    _lock: File,
}

impl Root {
    /// The directory that was named, or the usual one.
    pub(crate) fn of(global: &Global) -> Self {
        Self(global.state_root.clone().unwrap_or_else(default_root))
    }

    /// Takes a name.
    pub(crate) fn create(&self, id: &str) -> Result<Entry, Error> {
        check_id(id)?;
        fs::create_dir_all(&self.0).trying_on("create", &self.0)?;
        // Held only here: while it is, no directory is without its lock for a harmless reason.
        let _creating = lock(&self.0)?;
        self.remove_stale()?;
        let directory = self.0.join(id);
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Error::IdInUse(id.to_owned()));
            }
            other => other.trying_on("create", &directory)?,
        }
        let lock = lock(&directory)?;
        Ok(Entry { root: self.clone(), directory, stays: false, _lock: lock })
    }

    /// A container that was created.
    pub(crate) fn open(&self, id: &str) -> Result<Container, Error> {
        check_id(id)?;
        let directory = self.0.join(id);
        match Record::read(&directory)? {
            Some(record) => Ok(Container::new(self.clone(), directory, record)),
            None => Err(Error::NoSuchContainer(id.to_owned())),
        }
    }

    /// All containers, by name. What is not one is passed over.
    pub(crate) fn containers(&self) -> Result<Vec<Container>, Error> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.trying_on("read", &self.0)?,
        };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names.iter().filter_map(|name| self.open(name).ok()).collect())
    }

    /// Removes a container's directory and with it its name.
    fn remove(&self, directory: &Path) -> Result<(), Error> {
        let _creating = lock(&self.0)?;
        match fs::remove_dir_all(directory) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error).trying_on("remove", directory),
            _ => Ok(()),
        }
    }

    fn remove_stale(&self) -> Result<(), Error> {
        for entry in fs::read_dir(&self.0).trying_on("read", &self.0)?.flatten() {
            let directory = entry.path();
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let unlocked = File::open(&directory)
                .is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok());
            let record = Record::read(&directory).unwrap_or_default();
            if unlocked && record.as_ref().is_none_or(|record| record.holder == Holder::Creator) {
                tracing::info!("removing {}, which a killed runtime left", directory.display());
                if let Some(record) = record {
                    record.destroy();
                }
                fs::remove_dir_all(&directory).trying_on("remove", &directory)?;
            }
        }
        Ok(())
    }
}

impl Entry {
    /// The container's directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes the record: whole, or not at all.
    pub(crate) fn write(&self, record: &Record) -> Result<(), Error> {
        record.write(&self.directory)
    }

    /// Makes the sentry's listening socket.
    pub(crate) fn listen(&self) -> Result<OwnedFd, Error> {
        let path = self.directory.join(SOCKET);
        // By a short name: the address of a socket holds 108 bytes, a state directory may be anywhere.
        let directory = File::open(&self.directory).trying_on("open", &self.directory)?;
        let address = short_address(&directory)?;
        let make = || {
            let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
            bind(&socket, &address)?;
            listen(&socket, BACKLOG)?;
            Ok::<_, rustix::io::Errno>(socket)
        };
        make().trying_on("make the socket", path)
    }

    /// Its program was started.
    pub(crate) fn was_started(&self) -> Result<(), Error> {
        container::was_started(&self.directory)
    }

    /// The container outlives this process: its record stays until it is deleted.
    pub(crate) fn stays(&mut self) {
        self.stays = true;
    }

    /// It does not after all.
    pub(crate) fn leaves(&mut self) {
        self.stays = false;
    }

    /// Whether it will.
    pub(crate) const fn will_stay(&self) -> bool {
        self.stays
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.stays
            && let Err(error) = self.root.remove(&self.directory)
        {
            tracing::warn!("{error}");
        }
    }
}

/// The control socket in a directory, by the directory's descriptor.
fn short_address(directory: &File) -> Result<SocketAddrUnix, Error> {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd());
    SocketAddrUnix::new(path).trying("name the control socket")
}

/// The directory that is used unless another is named.
fn default_root() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(runtime) if !rustix::process::geteuid().is_root() => Path::new(&runtime).join("casemate"),
        _ => PathBuf::from("/run/casemate"),
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

/// Replaces a file by one with this content, so that nobody ever sees a part of it.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = path.with_file_name(name);
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        fs::rename(&temporary, path)
    };
    write().trying_on("write", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> (tempfile::TempDir, Root) {
        let directory = tempfile::tempdir().unwrap();
        let root = Root(directory.path().to_owned());
        (directory, root)
    }

    #[test]
    fn a_name_is_taken_until_its_entry_is_dropped() {
        let (directory, root) = root();
        let first = root.create("a").unwrap();
        let other = root.create("b").unwrap();
        assert!(matches!(root.create("a"), Err(Error::IdInUse(_))));
        drop(first);
        drop(root.create("a").unwrap());
        drop(other);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_runtime_left_is_removed() {
        let (directory, root) = root();
        fs::create_dir(directory.path().join("dead")).unwrap();
        fs::write(directory.path().join("dead/file"), "").unwrap();
        fs::create_dir(directory.path().join("killed")).unwrap();
        Record::example(Holder::Creator).write(&directory.path().join("killed")).unwrap();
        fs::create_dir(directory.path().join("detached")).unwrap();
        Record::example(Holder::Nobody).write(&directory.path().join("detached")).unwrap();
        let alive = root.create("alive").unwrap();
        let left = |name: &str| directory.path().join(name).exists();
        assert!(!left("dead") && !left("killed"));
        assert!(left("alive") && left("detached"));
        drop(alive);
    }

    #[test]
    fn a_container_that_stays_is_found_again() {
        let (directory, root) = root();
        assert!(matches!(root.open("x"), Err(Error::NoSuchContainer(_))));
        let mut entry = root.create("x").unwrap();
        assert!(matches!(root.open("x"), Err(Error::NoSuchContainer(_))), "there is no record yet");
        entry.write(&Record::example(Holder::Nobody)).unwrap();
        entry.stays();
        drop(entry);
        assert_eq!(root.open("x").unwrap().status().unwrap(), Status::Stopped);
        assert_eq!(root.containers().unwrap().len(), 1);
        root.open("x").unwrap().remove().unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
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

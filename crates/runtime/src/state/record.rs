//! What is kept of a container between commands.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxResources, Spec};
use serde::{Deserialize, Serialize};

use super::{Process, RECORD, State, Status, write_atomically};
use crate::cgroups::Cgroups;
use crate::error::{Error, Trying};
use crate::hooks::{self, Moment};

/// Who takes care of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Holder {
    /// The runtime that creates it, or runs it in the foreground: it holds the directory's lock.
    Creator,
    /// Nobody: it lives on its own.
    Nobody,
}

/// A container's record, a JSON file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) bundle: PathBuf,
    pub(crate) rootfs: PathBuf,
    /// RFC 3339.
    pub(crate) created: String,
    /// User id of who created it.
    pub(crate) owner: u32,
    pub(crate) holder: Holder,
    /// The container whose sandbox it is in, if not its own.
    #[serde(default)]
    pub(crate) pod: Option<String>,
    /// Pid 1 of the sandbox, as the host sees it, or what stands for the container in another's: its process for engines.
    pub(crate) init: Option<Process>,
    pub(crate) gofer: Option<Process>,
    pub(crate) cgroups: Cgroups,
    /// The configuration as it was when the container was created.
    pub(crate) spec: Spec,
}

impl Record {
    /// The record of a container, if there is one.
    pub(super) fn read(directory: &Path) -> Result<Option<Self>, Error> {
        let path = directory.join(RECORD);
        let text = match fs::read(&path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            other => other.trying_on("open", &path)?,
        };
        match serde_json::from_slice(&text) {
            Ok(record) => Ok(Some(record)),
            Err(error) => Err(Error::Config { path, problem: error.to_string() }),
        }
    }

    pub(super) fn write(&self, directory: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec(self)
            .map_err(|error| Error::Message(format!("cannot describe a container: {error}")))?;
        write_atomically(&directory.join(RECORD), &text)
    }

    /// Ends what is left of the container, gives back what it held on the host, and runs its last hooks.
    pub(crate) fn destroy(&self) {
        for process in [&self.init, &self.gofer].into_iter().flatten() {
            process.kill();
        }
        self.cgroups.remove();
        hooks::run_all(&self.spec, Moment::Poststop, &self.bundle, &self.described(Status::Stopped));
    }

    /// Runs the hooks of a moment, up to the first that fails.
    pub(crate) fn run_hooks(&self, moment: Moment, status: Status) -> Result<(), Error> {
        hooks::run(&self.spec, moment, &self.bundle, &self.described(status))
    }

    /// Its state as JSON, for hooks.
    fn described(&self, status: Status) -> Vec<u8> {
        serde_json::to_vec(&State::of(self, status)).unwrap_or_default()
    }

    /// The limits that its configuration asks for.
    pub(crate) fn resources(&self) -> Option<&LinuxResources> {
        self.spec.linux().as_ref().and_then(|linux| linux.resources().as_ref())
    }

    /// Its annotations.
    pub(crate) fn annotations(&self) -> Option<&HashMap<String, String>> {
        self.spec.annotations().as_ref().filter(|annotations| !annotations.is_empty())
    }

    #[cfg(test)]
    pub(super) fn example(holder: Holder) -> Self {
        Self {
            id: "example".to_owned(),
            bundle: "/b".into(),
            rootfs: "/b/rootfs".into(),
            created: super::now(),
            owner: 0,
            holder,
            pod: None,
            init: None,
            gofer: None,
            cgroups: Cgroups::default(),
            spec: Spec::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Record::read(directory.path()).unwrap().is_none());
        let written = Record::example(Holder::Nobody);
        written.write(directory.path()).unwrap();
        let read = Record::read(directory.path()).unwrap().unwrap();
        assert_eq!((read.id, read.created, read.holder), (written.id, written.created, Holder::Nobody));
        fs::write(directory.path().join(RECORD), "{").unwrap();
        assert!(Record::read(directory.path()).is_err());
    }
}

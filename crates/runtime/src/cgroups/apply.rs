//! Writing limits into the files of groups.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::error::{Error, errno};

/// Files of hosts that count swap. Engines ask for such a limit with every one of memory.
const SWAP: &[&str] = &["memory.memsw.limit_in_bytes", "memory.swap.max"];

/// One file of a group and what is written to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// The controller whose file it is.
    pub(super) controller: &'static str,
    pub(super) file: String,
    /// What the file is called where there is none of that name.
    pub(super) or: Option<&'static str>,
    pub(super) value: String,
}

/// What becomes of limits that the host cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Who asks for one is to know that it would not hold.
    Refused,
    /// A warning says so: without root it depends on what was delegated.
    Tolerated,
}

impl Missing {
    /// A controller or file is not there.
    pub(super) fn met(self, what: &str) -> Result<(), Error> {
        let message =
            format!("linux.resources: the host's control groups have no {what}: the limit would not hold");
        if self == Self::Refused && !SWAP.contains(&what) {
            return Err(Error::Message(message));
        }
        tracing::warn!("{message}");
        Ok(())
    }
}

impl Setting {
    pub(super) fn new(controller: &'static str, file: impl Into<String>, value: impl ToString) -> Self {
        Self { controller, file: file.into(), or: None, value: value.to_string() }
    }

    /// The same with another name of the file.
    pub(super) fn or(self, file: &'static str) -> Self {
        Self { or: Some(file), ..self }
    }

    /// Writes it into a group.
    pub(super) fn apply(&self, group: &Path, missing: Missing) -> Result<(), Error> {
        for name in std::iter::once(self.file.as_str()).chain(self.or) {
            let path = group.join(name);
            // Not to be made where there is none: control groups say that this is not allowed.
            let written = File::options()
                .write(true)
                .truncate(true)
                .open(&path)
                .and_then(|mut file| file.write_all(self.value.as_bytes()));
            match written {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(Error::Message(format!(
                        "linux.resources: cannot write {:?} to {}: {}",
                        self.value,
                        path.display(),
                        errno(&error)
                    )));
                }
            }
        }
        missing.met(&self.file)
    }
}

//! What a user is told: one sentence that names the field or the path.

use std::io;
use std::path::PathBuf;

use abi::Errno;

/// A failure of the runtime.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file or directory could not be used.
    #[error("cannot {what} {}: {error}", path.display())]
    Path {
        /// A verb, as in "open".
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// How it failed.
        error: Errno,
    },
    /// `config.json` is not a configuration.
    #[error("{}: {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// A host call failed.
    #[error("cannot {what}: {error}")]
    Host {
        /// A verb and its object.
        what: &'static str,
        /// How it failed.
        error: Errno,
    },
    /// Not a name for a container.
    #[error(
        "container ID {0:?} is invalid: it may hold letters, digits and _ + - . only, and be neither \".\" nor \"..\""
    )]
    InvalidId(String),
    /// The name is taken.
    #[error("container ID {0:?} is already in use")]
    IdInUse(String),
    /// There is no such container.
    #[error("container {0:?} does not exist")]
    NoSuchContainer(String),
    /// The container has ended.
    #[error("container not running")]
    NotRunning,
    /// A process of its sandbox was stopped by a signal of the host, and answers nothing.
    #[error("the sandbox of container {0:?} was stopped by a signal: it answers when it gets SIGCONT")]
    StandsStill(String),
    /// The sentry closed a connection.
    #[error("the sandbox has ended")]
    Closed,
    /// A further process could not be started in a container.
    #[error("exec failed: {0}")]
    Exec(Box<Error>),
    /// Anything that is a sentence already.
    #[error("{0}")]
    Message(String),
}

impl Error {
    /// For what a container's status does not allow: a verb and its object.
    pub(crate) fn refused(what: &str) -> Self {
        Self::Message(format!("cannot {what}"))
    }

    /// The exit code that goes with it: as runc's, 255 where a program could not be executed in a container and 1 otherwise.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Exec(_) => 255,
            _ => 1,
        }
    }
}

/// What may be shown on a terminal: a sentry that was taken over could send escape sequences.
pub(crate) fn printable(message: &str) -> String {
    message
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

/// The number of a standard library error.
pub(crate) fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// Says what was tried when something failed.
pub(crate) trait Trying<T> {
    /// With a verb and its object.
    fn trying(self, what: &'static str) -> Result<T, Error>;
    /// With a verb, and the path that it was tried on.
    fn trying_on(self, what: &'static str, path: impl Into<PathBuf>) -> Result<T, Error>;
}

impl<T> Trying<T> for Result<T, Errno> {
    fn trying(self, what: &'static str) -> Result<T, Error> {
        self.map_err(|error| Error::Host { what, error })
    }

    fn trying_on(self, what: &'static str, path: impl Into<PathBuf>) -> Result<T, Error> {
        self.map_err(|error| Error::Path { what, path: path.into(), error })
    }
}

impl<T> Trying<T> for io::Result<T> {
    fn trying(self, what: &'static str) -> Result<T, Error> {
        self.map_err(|error| errno(&error)).trying(what)
    }

    fn trying_on(self, what: &'static str, path: impl Into<PathBuf>) -> Result<T, Error> {
        self.map_err(|error| errno(&error)).trying_on(what, path)
    }
}

impl<T> Trying<T> for rustix::io::Result<T> {
    fn trying(self, what: &'static str) -> Result<T, Error> {
        self.map_err(|error| Errno::from_raw(error.raw_os_error())).trying(what)
    }

    fn trying_on(self, what: &'static str, path: impl Into<PathBuf>) -> Result<T, Error> {
        self.map_err(|error| Errno::from_raw(error.raw_os_error())).trying_on(what, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_cannot_drive_the_terminal() {
        assert_eq!(printable("exec: \u{1b}[2Jé\n"), "exec: \\u{1b}[2Jé\\n");
    }
}

//! Why a call of containerd failed.

use std::io;
use std::path::Path;

use crate::wire::Malformed;

/// Codes of gRPC that containerd tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Unknown,
    InvalidArgument,
    NotFound,
    AlreadyExists,
    FailedPrecondition,
    Unimplemented,
}

/// A code and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// For all that has no code of its own.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(Code::Unknown, message)
    }

    /// There is no process of that name, or it has ended.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// What a process is at does not allow it.
    pub(crate) fn precondition(message: impl Into<String>) -> Self {
        Self::new(Code::FailedPrecondition, message)
    }
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self::new(Code::InvalidArgument, malformed.to_string())
    }
}

/// Says what was tried when something failed.
pub(crate) trait Trying<T> {
    /// With a verb and its object.
    fn trying(self, what: &str) -> Result<T, Failure>;
    /// With a verb, and the path that it was tried on.
    fn trying_on(self, what: &str, path: &Path) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Trying<T> for Result<T, E> {
    fn trying(self, what: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::unknown(format!("cannot {what}: {}", error.into())))
    }

    fn trying_on(self, what: &str, path: &Path) -> Result<T, Failure> {
        self.trying(&format!("{what} {}", path.display()))
    }
}

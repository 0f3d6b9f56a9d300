//! Why a sandbox could not be started or could not go on.

use abi::Errno;

/// One sentence for the user, as the runtime prints it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A host call failed.
    #[error("cannot {what}: {error}")]
    Host {
        /// What was tried, as a verb and its object.
        what: &'static str,
        /// How it failed.
        error: Errno,
    },
    /// Anything that is already a sentence.
    #[error("{0}")]
    Message(String),
}

/// Says what was tried when a host call failed.
pub(crate) trait Trying<T> {
    /// Turns the error into a [`Failure`]; `what` is a verb and its object.
    fn trying(self, what: &'static str) -> Result<T, Failure>;
}

impl<T> Trying<T> for Result<T, Errno> {
    fn trying(self, what: &'static str) -> Result<T, Failure> {
        self.map_err(|error| Failure::Host { what, error })
    }
}

impl<T> Trying<T> for rustix::io::Result<T> {
    fn trying(self, what: &'static str) -> Result<T, Failure> {
        self.map_err(|error| Errno::from_raw(error.raw_os_error())).trying(what)
    }
}

//! What travels beside the bytes.

use crate::{Identity, Rights};

/// The ancillary data of a message in a queue.
#[derive(Debug, Default)]
pub struct Ancillary {
    /// Descriptors.
    pub rights: Option<Rights>,
    /// Who sent it.
    pub credentials: Option<Identity>,
}

impl Ancillary {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rights.is_none() && self.credentials.is_none()
    }
}

//! Sockets of the host that sockets of guests are connected to.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use vfs::{File, Owner};

use crate::Shutdown;

/// A connected socket of the host.
pub trait HostEnd: Send + Sync {
    /// What is read, written and waited for: a message at a time, if it has messages.
    fn file(&self) -> &dyn File;

    /// shutdown(2).
    ///
    /// # Errors
    /// `ENOTCONN`.
    fn shut_down(&self, how: Shutdown) -> Result<(), Errno>;
}

/// Makes them of descriptors.
pub trait HostEnds: Send + Sync {
    /// One for this user.
    ///
    /// # Errors
    /// `EPERM` for what is no socket, and the host's.
    fn take(&self, socket: OwnedFd, owner: Owner) -> Result<Arc<dyn HostEnd>, Errno>;
}

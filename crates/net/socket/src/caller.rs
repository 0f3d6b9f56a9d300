//! Who uses a socket.

use std::sync::Arc;

use vfs::Credentials;

use crate::Net;

/// The task that calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Its process's id, as the sandbox's initial pid namespace sees it.
    pub pid: i32,
    /// Its credentials.
    pub credentials: Arc<Credentials>,
    /// Its `RLIMIT_NOFILE`, which also limits the descriptors that its user may have in flight.
    pub descriptor_limit: usize,
    /// The network namespace that it uses; for a socket, that it was made in.
    pub net: Arc<Net>,
}

impl Caller {
    /// What `SO_PEERCRED` of the other end reports: the effective ids.
    #[must_use]
    pub fn peer_identity(&self) -> Identity {
        Identity { pid: self.pid, uid: self.credentials.euid, gid: self.credentials.egid }
    }

    /// What `SCM_CREDENTIALS` carries unless the sender says otherwise: the real ids.
    #[must_use]
    pub fn message_identity(&self) -> Identity {
        Identity { pid: self.pid, uid: self.credentials.uid, gid: self.credentials.gid }
    }
}

/// A process and its ids at some moment, with the numbers of the initial namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Process id, as the sandbox's initial pid namespace sees it.
    pub pid: i32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

impl Identity {
    /// Nobody: what a message without credentials shows.
    pub const NOBODY: Self = Self { pid: 0, uid: 65534, gid: 65534 };
    /// What `SO_PEERCRED` shows without a peer.
    pub const NONE: Self = Self { pid: 0, uid: u32::MAX, gid: u32::MAX };
}

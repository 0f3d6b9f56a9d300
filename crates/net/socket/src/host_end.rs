//! Sockets of the host that sockets of guests are connected to, or are themselves.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;
use vfs::{File, Owner, Sink};

use crate::Shutdown;

/// A socket of the host.
pub trait HostEnd: Send + Sync {
    /// What a stream is written through, and what all are waited for through.
    fn file(&self) -> &dyn File;

    /// send(2) of a whole message.
    ///
    /// # Errors
    /// `EAGAIN`, `EPIPE`, `ECONNREFUSED`, `EMSGSIZE`.
    fn send(&self, message: &[u8]) -> Result<usize, Errno>;

    /// recv(2): how many bytes were stored, and how long the message is, if it is one. With `peek` it stays.
    ///
    /// # Errors
    /// `EAGAIN`, `ECONNRESET`.
    fn receive(&self, into: &mut dyn Sink, peek: bool) -> Result<(usize, usize), Errno>;

    /// listen(2).
    ///
    /// # Errors
    /// `EOPNOTSUPP` for sockets without connections.
    fn listen(&self, backlog: i32) -> Result<(), Errno>;

    /// accept(2): a connection of somebody on the host.
    ///
    /// # Errors
    /// `EAGAIN`, `EINVAL` if it does not listen.
    fn accept(&self) -> Result<Arc<dyn HostEnd>, Errno>;

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

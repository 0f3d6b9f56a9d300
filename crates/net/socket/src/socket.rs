//! What a protocol implements.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use vfs::{Events, OpenFile};

use crate::{Address, Caller, Core, HostEnd, Identity, Incoming, OptionValue, Outgoing, Received};

/// Which halves shutdown(2) ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// Receiving.
    pub read: bool,
    /// Sending.
    pub write: bool,
}

/// A connection that accept(2) returns.
pub struct Accepted {
    /// Its socket.
    pub socket: Box<dyn Socket>,
    /// The address of the other end.
    pub peer: Address,
}

/// One socket of some protocol. Dropping it closes it.
///
/// No operation waits. `EAGAIN` means that trying again makes sense once the socket's own readiness ([`Core::readiness`]) reports
/// `IN` (accept, receive) or `OUT` (connect, send). What the socket does not implement fails as its Linux counterpart would.
pub trait Socket: Send + Sync + Any {
    /// The part that does not depend on the protocol.
    fn core(&self) -> &Core;

    /// bind(2).
    ///
    /// # Errors
    /// `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`, `EINVAL` if already bound or for an address of the wrong family.
    fn bind(&self, address: &Address, caller: &Caller) -> Result<(), Errno> {
        let _ = (address, caller);
        Err(Errno::EOPNOTSUPP)
    }

    /// listen(2).
    ///
    /// # Errors
    /// `EOPNOTSUPP` for protocols without connections, `EINVAL`, `EADDRINUSE`.
    fn listen(&self, backlog: i32, caller: &Caller) -> Result<(), Errno> {
        let _ = (backlog, caller);
        Err(Errno::EOPNOTSUPP)
    }

    /// connect(2). With `nonblocking` it fails as Linux does for `O_NONBLOCK` (`EINPROGRESS`, or `EAGAIN` for AF_UNIX).
    ///
    /// # Errors
    /// `ECONNREFUSED`, `EISCONN`, `EALREADY`, `ENETUNREACH`, `EAGAIN` to wait.
    fn connect(&self, address: &Address, caller: &Caller, nonblocking: bool) -> Result<(), Errno>;

    /// Connects it to a socket of the host, which lies at this address.
    ///
    /// # Errors
    /// `EISCONN`, `EINVAL` if it listens; `ECONNREFUSED` for protocols that have no such sockets.
    fn connect_to_host(&self, end: Arc<dyn HostEnd>, address: &Address) -> Result<(), Errno> {
        let _ = (end, address);
        Err(Errno::ECONNREFUSED)
    }

    /// The name that it was bound to is this socket of the host's too: who connects or sends there is heard here as well.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for protocols that have no such sockets.
    fn bound_on_host(&self, end: Arc<dyn HostEnd>) -> Result<(), Errno> {
        let _ = end;
        Err(Errno::EOPNOTSUPP)
    }

    /// accept(2).
    ///
    /// # Errors
    /// `EOPNOTSUPP`, `EINVAL` if not listening, `EAGAIN`.
    fn accept(&self) -> Result<Accepted, Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// send(2) and its relatives. A stream takes what it has room for.
    ///
    /// # Errors
    /// `EPIPE`, `ECONNRESET`, `ENOTCONN`, `EDESTADDRREQ`, `EMSGSIZE`, `EAGAIN`, `EFAULT`.
    fn send(&self, message: &mut Outgoing<'_>) -> Result<usize, Errno>;

    /// recv(2) and its relatives: what is there, as far as it fits. No bytes from a stream: its end.
    ///
    /// # Errors
    /// `EAGAIN`, `ENOTCONN`, `ECONNRESET`, `EFAULT`.
    fn receive(&self, message: &mut Incoming<'_>) -> Result<Received, Errno>;

    /// shutdown(2).
    ///
    /// # Errors
    /// `ENOTCONN`.
    fn shutdown(&self, how: Shutdown) -> Result<(), Errno>;

    /// getsockname(2).
    ///
    /// # Errors
    /// `EOPNOTSUPP`.
    fn local_address(&self) -> Result<Address, Errno>;

    /// getpeername(2).
    ///
    /// # Errors
    /// `ENOTCONN`.
    fn peer_address(&self) -> Result<Address, Errno>;

    /// What it is ready for.
    fn poll(&self) -> Events;

    /// Whether it listens (`SO_ACCEPTCONN`).
    fn listening(&self) -> bool {
        false
    }

    /// Who is at the other end (`SO_PEERCRED`).
    fn peer_identity(&self) -> Option<Identity> {
        None
    }

    /// An option of a level other than `SOL_SOCKET`.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for a level, `ENOPROTOOPT` for a name that is unknown.
    fn option(&self, level: u32, name: u32) -> Result<OptionValue, Errno> {
        let _ = (level, name);
        Err(Errno::EOPNOTSUPP)
    }

    /// Sets an option of a level other than `SOL_SOCKET`.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for a level, `ENOPROTOOPT` for a name that is unknown or read-only, `EINVAL` for a value.
    fn set_option(&self, level: u32, name: u32, value: &[u8], caller: &Caller) -> Result<(), Errno> {
        let _ = (level, name, value, caller);
        Err(Errno::ENOPROTOOPT)
    }

    /// Options of `SOL_SOCKET` were changed.
    fn options_changed(&self) {}

    /// Bytes that can be read now (`FIONREAD`).
    ///
    /// # Errors
    /// `EINVAL` if it listens.
    fn readable_bytes(&self) -> Result<usize, Errno> {
        Ok(0)
    }

    /// Bytes sent and not yet received (`TIOCOUTQ`).
    ///
    /// # Errors
    /// `EINVAL` if it listens.
    fn unsent_bytes(&self) -> Result<usize, Errno> {
        Ok(0)
    }

    /// The files in its queues, for those who look for garbage.
    fn queued_files(&self) -> Vec<Arc<OpenFile>> {
        Vec::new()
    }

    /// Empties its queues: it is garbage.
    fn purge(&self) {}

    /// Whether a send that fails with `EPIPE` raises SIGPIPE.
    fn raises_sigpipe(&self) -> bool {
        self.core().kind == crate::Kind::Stream
    }

    /// Itself, for a family to recognise its own.
    fn as_any(&self) -> &dyn Any;
}

//! What every socket has.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use abi::socket::family;
use parking_lot::Mutex;
use vfs::{Events, WaitQueue};

use crate::{Caller, Options};

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// The type of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A stream of bytes between two ends.
    Stream,
    /// Messages, each to its own destination.
    Datagram,
    /// Messages between two ends, in order.
    SeqPacket,
    /// Packets with the protocol's header.
    Raw,
}

impl Kind {
    /// The type that socket(2) was asked for, without its flags.
    ///
    /// # Errors
    /// `ESOCKTNOSUPPORT` for types that Linux knows and nothing here has, `EINVAL` for others.
    pub const fn from_raw(number: u32) -> Result<Self, Errno> {
        match number {
            family::SOCK_STREAM => Ok(Self::Stream),
            family::SOCK_DGRAM => Ok(Self::Datagram),
            family::SOCK_SEQPACKET => Ok(Self::SeqPacket),
            family::SOCK_RAW => Ok(Self::Raw),
            family::SOCK_RDM | family::SOCK_DCCP | family::SOCK_PACKET => Err(Errno::ESOCKTNOSUPPORT),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The number for `SO_TYPE`.
    #[must_use]
    pub const fn raw(self) -> u32 {
        match self {
            Self::Stream => family::SOCK_STREAM,
            Self::Datagram => family::SOCK_DGRAM,
            Self::SeqPacket => family::SOCK_SEQPACKET,
            Self::Raw => family::SOCK_RAW,
        }
    }
}

/// The part of a socket that does not depend on its protocol.
pub struct Core {
    /// Unique in the sandbox; the inode number of the socket's file.
    pub id: u64,
    /// `AF_*`.
    pub domain: u16,
    /// Type.
    pub kind: Kind,
    /// `IPPROTO_*`, or the family's own number.
    pub protocol: u32,
    /// Who made it. write(2) on a socket speaks with this identity.
    pub creator: Caller,
    /// Options of `SOL_SOCKET`.
    pub options: Mutex<Options>,
    /// Who is told when it becomes ready.
    pub readiness: Arc<WaitQueue>,
    error: Mutex<Option<Errno>>,
}

impl Core {
    /// A new one.
    #[must_use]
    pub fn new(domain: u16, kind: Kind, protocol: u32, creator: Caller, options: Options) -> Self {
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            domain,
            kind,
            protocol,
            creator,
            options: Mutex::new(options),
            readiness: WaitQueue::new(),
            error: Mutex::new(None),
        }
    }

    /// Takes the pending error, which each call that could report it and `SO_ERROR` clear.
    pub fn take_error(&self) -> Option<Errno> {
        self.error.lock().take()
    }

    /// Fails with the pending error, if there is one.
    ///
    /// # Errors
    /// The pending one.
    pub fn check_error(&self) -> Result<(), Errno> {
        self.take_error().map_or(Ok(()), Err)
    }

    /// Whether an error is pending.
    #[must_use]
    pub fn has_error(&self) -> bool {
        self.error.lock().is_some()
    }

    /// Leaves an error for the next call, and tells those who poll.
    pub fn fail(&self, error: Errno) {
        *self.error.lock() = Some(error);
        self.readiness.notify(Events::ERR | Events::IN | Events::OUT);
    }

    /// Leaves an error for the next call, quietly: the caller notifies.
    pub fn set_error(&self, error: Errno) {
        *self.error.lock() = Some(error);
    }
}

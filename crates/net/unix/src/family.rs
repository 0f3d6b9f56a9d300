//! Making AF_UNIX sockets.

use std::sync::Arc;

use abi::Errno;
use abi::socket::family::AF_UNIX;
use socket::{Caller, Family, Flight, Kind, Options, Pair, Socket};

use crate::garbage::Collector;
use crate::names::{AbstractNames, Names, PathNames};
use crate::state::{Inner, UnixSocket};

/// What the AF_UNIX families of all network namespaces of a sandbox share: paths, and descriptors in flight.
#[derive(Default)]
pub struct UnixSystem {
    paths: Arc<PathNames>,
    flight: Arc<Flight>,
    collector: Arc<Collector>,
}

impl UnixSystem {
    /// One for a sandbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The family for one more network namespace, with abstract names of its own.
    #[must_use]
    pub fn family(&self) -> Arc<UnixFamily> {
        let names = Names { paths: Arc::clone(&self.paths), abstracts: Arc::new(AbstractNames::default()) };
        let shared =
            Shared { names, flight: Arc::clone(&self.flight), collector: Arc::clone(&self.collector) };
        Arc::new(UnixFamily { shared: Arc::new(shared) })
    }
}

/// What the sockets of one namespace share.
pub(crate) struct Shared {
    pub(crate) names: Names,
    pub(crate) flight: Arc<Flight>,
    pub(crate) collector: Arc<Collector>,
}

/// AF_UNIX in one network namespace.
pub struct UnixFamily {
    shared: Arc<Shared>,
}

impl UnixFamily {
    fn make(&self, kind: Kind, protocol: u32, caller: &Caller) -> Result<Arc<Inner>, Errno> {
        if protocol != 0 && protocol != u32::from(AF_UNIX) {
            return Err(Errno::EPROTONOSUPPORT);
        }
        // As Linux: a raw socket of this family is a datagram socket.
        let kind = if kind == Kind::Raw { Kind::Datagram } else { kind };
        let core = socket::Core::new(AF_UNIX, kind, 0, caller.clone(), Options::default());
        Ok(Inner::new(core, Arc::clone(&self.shared)))
    }
}

impl Family for UnixFamily {
    fn create(&self, kind: Kind, protocol: u32, caller: &Caller) -> Result<Box<dyn Socket>, Errno> {
        Ok(Box::new(UnixSocket::new(self.make(kind, protocol, caller)?)))
    }

    fn create_pair(&self, kind: Kind, protocol: u32, caller: &Caller) -> Result<Pair, Errno> {
        let (a, b) = (self.make(kind, protocol, caller)?, self.make(kind, protocol, caller)?);
        let identity = caller.peer_identity();
        a.connect_pair(&b, identity);
        Ok((Box::new(UnixSocket::new(a)), Box::new(UnixSocket::new(b))))
    }
}

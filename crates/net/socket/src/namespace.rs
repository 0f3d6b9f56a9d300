//! Address families, and the network namespace that holds them.

use std::collections::BTreeMap;
use std::sync::Arc;

use abi::Errno;
use abi::socket::family::AF_MAX;

use crate::{Caller, Kind, Net, Socket};

/// Two sockets connected to each other.
pub type Pair = (Box<dyn Socket>, Box<dyn Socket>);

/// An address family within one network namespace: what makes its sockets, and the tables of names or ports behind them.
pub trait Family: Send + Sync {
    /// A new socket.
    ///
    /// # Errors
    /// `ESOCKTNOSUPPORT` for a type, `EPROTONOSUPPORT` for a protocol that it does not have, `EPERM`, `EACCES`.
    fn create(&self, kind: Kind, protocol: u32, caller: &Caller) -> Result<Box<dyn Socket>, Errno>;

    /// Two sockets connected to each other.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if the family cannot, and as [`Self::create`].
    fn create_pair(&self, kind: Kind, protocol: u32, caller: &Caller) -> Result<Pair, Errno> {
        self.create(kind, protocol, caller)?;
        Err(Errno::EOPNOTSUPP)
    }
}

/// A network namespace, network_namespaces(7): the families that its tasks can use.
pub struct Namespace {
    /// Whose it is, and the state of its interface.
    pub net: Arc<Net>,
    families: BTreeMap<u16, Arc<dyn Family>>,
}

impl Namespace {
    /// A namespace with these families.
    #[must_use]
    pub fn new(net: Arc<Net>, families: impl IntoIterator<Item = (u16, Arc<dyn Family>)>) -> Arc<Self> {
        Arc::new(Self { net, families: families.into_iter().collect() })
    }

    /// A family by its number.
    ///
    /// # Errors
    /// `EAFNOSUPPORT`.
    pub fn family(&self, number: u32) -> Result<&dyn Family, Errno> {
        let number = u16::try_from(number).ok().filter(|n| *n < AF_MAX).ok_or(Errno::EAFNOSUPPORT)?;
        self.families.get(&number).map(|f| &**f).ok_or(Errno::EAFNOSUPPORT)
    }
}

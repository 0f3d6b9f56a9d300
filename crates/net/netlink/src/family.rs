//! Making AF_NETLINK sockets, and their ports.

use std::collections::HashSet;
use std::sync::Arc;

use abi::Errno;
use abi::socket::family::{AF_NETLINK, NETLINK_ROUTE};
use parking_lot::Mutex;
use socket::{Caller, Core, Family, Kind, Options, Socket};

use crate::socket_impl::NetlinkSocket;

/// Where automatic ports start when the process's id is taken; Linux counts down from there as well.
const AUTOMATIC: u32 = u32::MAX - 4096;

/// The ports of the route protocol in one namespace.
#[derive(Default)]
pub(crate) struct Ports {
    taken: Mutex<HashSet<u32>>,
}

impl Ports {
    /// Takes a port.
    ///
    /// # Errors
    /// `EADDRINUSE`.
    pub(crate) fn take(&self, port: u32) -> Result<u32, Errno> {
        if self.taken.lock().insert(port) { Ok(port) } else { Err(Errno::EADDRINUSE) }
    }

    /// Takes a port that is free: the process's id, if it is.
    ///
    /// # Errors
    /// `EADDRINUSE` if all are taken.
    pub(crate) fn take_any(&self, pid: i32) -> Result<u32, Errno> {
        let mut taken = self.taken.lock();
        let wanted = u32::try_from(pid).ok().into_iter().chain((0..=AUTOMATIC).rev());
        // As many candidates as there are ports taken, and one more, have a free one among them.
        let most = taken.len().saturating_add(2);
        let port = wanted.take(most).find(|port| *port != 0 && !taken.contains(port));
        let port = port.ok_or(Errno::EADDRINUSE)?;
        taken.insert(port);
        Ok(port)
    }

    pub(crate) fn release(&self, port: u32) {
        self.taken.lock().remove(&port);
    }
}

/// AF_NETLINK in one network namespace.
#[derive(Default)]
pub struct NetlinkFamily {
    ports: Arc<Ports>,
}

impl NetlinkFamily {
    /// One for a namespace.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }
}

impl Family for NetlinkFamily {
    fn create(&self, kind: Kind, protocol: u32, caller: &Caller) -> Result<Box<dyn Socket>, Errno> {
        if !matches!(kind, Kind::Raw | Kind::Datagram) {
            return Err(Errno::ESOCKTNOSUPPORT);
        }
        if protocol != NETLINK_ROUTE {
            return Err(Errno::EPROTONOSUPPORT);
        }
        let core = Core::new(AF_NETLINK, kind, protocol, caller.clone(), Options::default());
        Ok(Box::new(NetlinkSocket::new(core, Arc::clone(&self.ports))))
    }
}

#[cfg(test)]
mod tests {
    use abi::Errno;

    use super::Ports;

    #[test]
    fn the_process_id_is_the_first_choice() {
        let ports = Ports::default();
        assert_eq!(ports.take_any(7), Ok(7));
        let second = ports.take_any(7).unwrap();
        assert_ne!(second, 7);
        assert_eq!(ports.take(second), Err(Errno::EADDRINUSE));
        ports.release(7);
        assert_eq!(ports.take_any(7), Ok(7));
    }
}

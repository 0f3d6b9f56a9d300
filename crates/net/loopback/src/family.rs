//! Making AF_INET and AF_INET6 sockets.

use std::sync::Arc;

use abi::Errno;
use abi::socket::family::{
    AF_INET, AF_INET6, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_MAX, IPPROTO_TCP, IPPROTO_UDP,
};
use socket::{Caller, Family, Kind, Socket};
use vfs::Capability;

use crate::members::Members;
use crate::ports::Ports;
use crate::tcp::{Tcp, TcpSocket};
use crate::udp::{Udp, UdpSocket};

/// The ports of one network namespace, which both address families share.
pub struct InetSystem {
    pub(crate) tcp: Arc<Ports<Tcp>>,
    pub(crate) udp: Arc<Ports<Udp>>,
    pub(crate) members: Members,
}

impl InetSystem {
    /// One for a network namespace.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            tcp: Arc::new(Ports::new(true)),
            udp: Arc::new(Ports::new(false)),
            members: Members::default(),
        })
    }

    /// AF_INET.
    #[must_use]
    pub fn inet(self: &Arc<Self>) -> Arc<InetFamily> {
        Arc::new(InetFamily { system: Arc::clone(self), domain: AF_INET })
    }

    /// AF_INET6.
    #[must_use]
    pub fn inet6(self: &Arc<Self>) -> Arc<InetFamily> {
        Arc::new(InetFamily { system: Arc::clone(self), domain: AF_INET6 })
    }
}

/// AF_INET or AF_INET6 in one network namespace.
pub struct InetFamily {
    system: Arc<InetSystem>,
    domain: u16,
}

impl Family for InetFamily {
    fn create(&self, kind: Kind, protocol: u32, caller: &Caller) -> Result<Box<dyn Socket>, Errno> {
        if protocol >= IPPROTO_MAX {
            return Err(Errno::EINVAL);
        }
        match (kind, protocol) {
            (Kind::Stream, 0 | IPPROTO_TCP) => {
                Ok(Box::new(TcpSocket::new(Tcp::new(self.domain, &self.system, caller))))
            }
            (Kind::Datagram, 0 | IPPROTO_UDP) => {
                Ok(Box::new(UdpSocket::new(Udp::new(self.domain, &self.system, caller))))
            }
            (Kind::Datagram, IPPROTO_ICMP | IPPROTO_ICMPV6) => {
                Err(if caller.net.may_ping(&caller.credentials) {
                    Errno::EPROTONOSUPPORT
                } else {
                    Errno::EACCES
                })
            }
            (Kind::Raw, _) => {
                caller.credentials.need_in(Capability::NetRaw, &caller.net.user)?;
                Err(Errno::EPROTONOSUPPORT)
            }
            (Kind::SeqPacket, _) => Err(Errno::ESOCKTNOSUPPORT),
            _ => Err(Errno::EPROTONOSUPPORT),
        }
    }
}

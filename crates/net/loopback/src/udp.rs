//! UDP sockets.

mod bind;
mod errors;
mod groups;
mod headers;
mod socket_impl;
mod transfer;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use abi::socket::family::IPPROTO_UDP;
use parking_lot::Mutex;
use socket::datagram::DatagramQueue;
use socket::{Caller, Core, Kind, Options, Shutdown};

use errors::Errors;
use groups::Groups;

use crate::family::InetSystem;
use crate::options::Numbers;
use crate::ports::Lease;

/// A socket as a program holds it. Dropping it closes the socket.
pub(crate) struct UdpSocket {
    inner: Arc<Udp>,
}

impl UdpSocket {
    pub(crate) const fn new(inner: Arc<Udp>) -> Self {
        Self { inner }
    }
}

/// A UDP socket. Locks: two sockets' states are never held together; the inbox and the ports are innermost.
pub(crate) struct Udp {
    core: Core,
    system: Arc<InetSystem>,
    state: Mutex<State>,
    inbox: Mutex<DatagramQueue>,
    errors: Mutex<Errors>,
}

struct State {
    bound: Option<Bound>,
    peer: Option<SocketAddr>,
    shut: Shutdown,
    numbers: Numbers,
    groups: Groups,
}

#[derive(Clone)]
struct Bound {
    /// The address that it sends from and receives at, perhaps unspecified.
    ip: IpAddr,
    lease: Arc<Lease<Udp>>,
    /// What bind(2) named: address and port outlive a connection only then.
    chosen_ip: Option<IpAddr>,
    chosen_port: bool,
}

impl Udp {
    pub(crate) fn new(domain: u16, system: &Arc<InetSystem>, caller: &Caller) -> Arc<Self> {
        let state = State {
            bound: None,
            peer: None,
            shut: Shutdown { read: false, write: false },
            numbers: Numbers::default(),
            groups: Groups::default(),
        };
        Arc::new(Self {
            core: Core::new(domain, Kind::Datagram, IPPROTO_UDP, caller.clone(), Options::default()),
            system: Arc::clone(system),
            state: Mutex::new(state),
            inbox: Mutex::default(),
            errors: Mutex::default(),
        })
    }
}

//! What the comparisons with the host share.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use abi::socket::family::{AF_INET, AF_INET6};
use loopback::InetSystem;
use socket::{Address, Namespace};
use socket_oracle::{Log, Ours, World, differences};

/// Runs the steps in both worlds and compares.
pub(crate) fn compare(steps: impl Fn(&dyn World, &mut Log)) {
    let system = InetSystem::new();
    let ours = Ours(Namespace::new(
        socket::Net::first(),
        [(AF_INET, system.inet() as _), (AF_INET6, system.inet6() as _)],
    ));
    let differences = differences(&ours, steps);
    assert!(differences.is_empty(), "{differences:#?}");
}

/// An address from its text.
pub(crate) fn at(text: &str) -> Address {
    Address::Inet(text.parse::<SocketAddr>().unwrap())
}

/// The address without the port, which differs.
pub(crate) fn ip(address: &Address) -> Option<IpAddr> {
    match address {
        Address::Inet(a) => Some(a.ip()),
        _ => None,
    }
}

/// The port.
pub(crate) fn port(address: &Address) -> u16 {
    match address {
        Address::Inet(a) => a.port(),
        _ => 0,
    }
}

/// Lets the host's packets arrive.
pub(crate) fn settle() {
    std::thread::sleep(Duration::from_millis(20));
}

//! Addresses of the loopback interface, in one form for both families.
//!
//! Inside, an IPv4 address is an IPv4 address, also on an AF_INET6 socket; only what such a socket shows is mapped (::ffff:127.0.0.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use abi::Errno;
use abi::socket::family::AF_INET6;
use socket::{Address, Net};

/// What a socket is bound to before anything else: all addresses of its family.
pub(crate) fn unspecified(domain: u16) -> IpAddr {
    if domain == AF_INET6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}

/// The address that a program gave to a socket, in the form used inside.
///
/// # Errors
/// `EAFNOSUPPORT` for one of another family, `EINVAL` for an IPv4 address where an IPv6 address is needed (Linux finds it too short).
pub(crate) fn normalize(domain: u16, address: &Address) -> Result<SocketAddr, Errno> {
    let Address::Inet(address) = address else { return Err(Errno::EAFNOSUPPORT) };
    match (domain == AF_INET6, address) {
        (true, SocketAddr::V4(_)) => Err(Errno::EINVAL),
        (false, SocketAddr::V6(_)) => Err(Errno::EAFNOSUPPORT),
        _ => Ok(SocketAddr::new(address.ip().to_canonical(), address.port())),
    }
}

/// The address as a socket of this family shows it.
pub(crate) fn present(domain: u16, address: SocketAddr) -> Address {
    Address::Inet(match address.ip() {
        IpAddr::V4(ip) if domain == AF_INET6 => {
            let ip = if ip.is_unspecified() { Ipv6Addr::UNSPECIFIED } else { ip.to_ipv6_mapped() };
            SocketAddr::new(ip.into(), address.port())
        }
        _ => address,
    })
}

/// Whether a socket may be bound to it, even while the interface is down.
pub(crate) fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified()
}

/// The interface that an address of ipv6(7) names.
pub(crate) fn scope(address: &Address) -> u32 {
    match address {
        Address::Inet(SocketAddr::V6(address)) => address.scope_id(),
        _ => 0,
    }
}

/// Whether it is the broadcast address of the loopback network.
pub(crate) fn is_broadcast(ip: IpAddr) -> bool {
    ip == IpAddr::V4(Ipv4Addr::new(127, 255, 255, 255))
}

/// Where something sent to this address in a namespace goes: nowhere means this machine.
///
/// # Errors
/// `ENETUNREACH`.
pub(crate) fn route(net: &Net, to: SocketAddr) -> Result<SocketAddr, Errno> {
    let ip = match to.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    if ip.is_loopback() && net.is_up() { Ok(SocketAddr::new(ip, to.port())) } else { Err(Errno::ENETUNREACH) }
}

/// The source address for a destination that [`route`] gave, of a socket bound to `bound`.
///
/// # Errors
/// `ENETUNREACH` if the socket is bound to an address of the other family.
pub(crate) fn source(bound: IpAddr, to: IpAddr) -> Result<IpAddr, Errno> {
    let suits = bound.is_ipv4() == to.is_ipv4();
    match (bound.is_unspecified() || bound.is_multicast(), to) {
        (false, _) if suits => Ok(bound),
        (false, _) => Err(Errno::ENETUNREACH),
        (true, IpAddr::V4(_)) => Ok(Ipv4Addr::LOCALHOST.into()),
        (true, IpAddr::V6(_)) => Ok(Ipv6Addr::LOCALHOST.into()),
    }
}

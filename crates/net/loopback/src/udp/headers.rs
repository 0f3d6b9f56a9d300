//! What receivers are told of a packet's header, and what senders choose in it: control messages of ip(7) and ipv6(7).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use abi::Errno;
use abi::socket::family::AF_INET6;
use abi::socket::message::{In6Pktinfo, InPktinfo};
use abi::socket::option::*;
use socket::interfaces::LOOPBACK_INDEX;
use socket::value::int;
use socket::{Address, Control, Packet};
use zerocopy::{FromBytes, IntoBytes};

use crate::address;
use crate::options::Numbers;

/// The hops that a packet has if nobody chose.
const HOPS: u8 = 64;
/// Those of one to a group.
const GROUP_HOPS: u8 = 1;

/// What a sender chose for one message.
#[derive(Default)]
pub(super) struct Chosen {
    pub(super) source: Option<IpAddr>,
    hops: Option<u8>,
    class: Option<u8>,
}

impl Chosen {
    /// Reads the control messages of a sender.
    ///
    /// # Errors
    /// `EINVAL` for unknown and malformed ones, `ENODEV` for an interface that is not there, `ENETUNREACH` (IPv6: `EINVAL`) for a
    /// source that is not of this machine.
    pub(super) fn read(messages: &[Control], domain: u16) -> Result<Self, Errno> {
        let mut chosen = Self::default();
        for message in messages {
            match message.level {
                SOL_SOCKET if message.kind == SO_MARK => {}
                SOL_SOCKET => return Err(Errno::EINVAL),
                SOL_IP if domain != AF_INET6 => chosen.take_v4(message.kind, &message.data)?,
                SOL_IPV6 if domain == AF_INET6 => chosen.take_v6(message.kind, &message.data)?,
                _ => {}
            }
        }
        Ok(chosen)
    }

    fn take_v4(&mut self, kind: u32, data: &[u8]) -> Result<(), Errno> {
        match kind {
            IP_PKTINFO => {
                let info = InPktinfo::read_from_bytes(data).map_err(|_| Errno::EINVAL)?;
                self.choose_source(info.interface, IpAddr::from(info.local))?;
            }
            IP_TTL => self.hops = Some(byte(exact(data)?, 1)?),
            IP_TOS if data.len() == 1 => self.class = data.first().copied(),
            IP_TOS => self.class = Some(byte(exact(data)?, 0)?),
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    fn take_v6(&mut self, kind: u32, data: &[u8]) -> Result<(), Errno> {
        match kind {
            IPV6_PKTINFO | IPV6_2292PKTINFO => {
                let (info, _) = In6Pktinfo::read_from_prefix(data).map_err(|_| Errno::EINVAL)?;
                let interface = i32::try_from(info.interface).map_err(|_| Errno::ENODEV)?;
                self.choose_source(interface, IpAddr::from(info.address).to_canonical())?;
            }
            IPV6_HOPLIMIT | IPV6_2292HOPLIMIT => match exact(data)? {
                -1 => {}
                hops => self.hops = Some(byte(hops, 0)?),
            },
            IPV6_TCLASS => match exact(data)? {
                -1 => {}
                class => self.class = Some(byte(class, 0)?),
            },
            IPV6_DONTFRAG => {
                byte(exact(data)?, 0).ok().filter(|on| *on <= 1).ok_or(Errno::EINVAL)?;
            }
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    fn choose_source(&mut self, interface: i32, source: IpAddr) -> Result<(), Errno> {
        if interface != 0 && interface != LOOPBACK_INDEX {
            return Err(Errno::ENODEV);
        }
        if !address::is_local(source) {
            return Err(if source.is_ipv4() { Errno::ENETUNREACH } else { Errno::EINVAL });
        }
        self.source = (!source.is_unspecified()).then_some(source);
        Ok(())
    }

    /// The header of a packet to this address.
    pub(super) fn packet(&self, to: SocketAddr, numbers: &Numbers) -> Packet {
        let group = to.ip().is_multicast();
        let (hops, class) = match (to.is_ipv4(), group) {
            (true, false) => ((SOL_IP, IP_TTL), (SOL_IP, IP_TOS)),
            (true, true) => ((SOL_IP, IP_MULTICAST_TTL), (SOL_IP, IP_TOS)),
            (false, false) => ((SOL_IPV6, IPV6_UNICAST_HOPS), (SOL_IPV6, IPV6_TCLASS)),
            (false, true) => ((SOL_IPV6, IPV6_MULTICAST_HOPS), (SOL_IPV6, IPV6_TCLASS)),
        };
        let set = |(level, name)| numbers.chosen(level, name).and_then(|n| u8::try_from(n).ok());
        let default = if group { GROUP_HOPS } else { HOPS };
        Packet {
            to,
            hops: self.hops.or_else(|| set(hops)).unwrap_or(default),
            class: self.class.or_else(|| set(class)).unwrap_or(0),
        }
    }
}

fn exact(data: &[u8]) -> Result<i32, Errno> {
    if data.len() == size_of::<i32>() { int(data) } else { Err(Errno::EINVAL) }
}

fn byte(value: i32, least: u8) -> Result<u8, Errno> {
    u8::try_from(value).ok().filter(|byte| *byte >= least).ok_or(Errno::EINVAL)
}

/// What a receiver asked to be told, in the order in which Linux tells it.
pub(super) fn told(domain: u16, numbers: &Numbers, packet: &Packet) -> Vec<Control> {
    let mut told = Vec::new();
    if domain == AF_INET6 {
        tell_v6(numbers, packet, &mut told);
    }
    if packet.to.is_ipv4() {
        tell_v4(numbers, packet, &mut told);
    }
    told
}

fn tell_v4(numbers: &Numbers, packet: &Packet, told: &mut Vec<Control>) {
    let asked = |name| numbers.is_on(SOL_IP, name);
    let mut tell = |name, data: &[u8]| told.push(Control::new(SOL_IP, name, data));
    let SocketAddr::V4(to) = packet.to else { return };
    if asked(IP_PKTINFO) {
        // An answer to what was sent to a group comes from the interface's address.
        let local = if to.ip().is_multicast() { Ipv4Addr::LOCALHOST } else { *to.ip() };
        let info = InPktinfo { interface: LOOPBACK_INDEX, local: local.octets(), address: to.ip().octets() };
        tell(IP_PKTINFO, info.as_bytes());
    }
    if asked(IP_RECVTTL) {
        tell(IP_TTL, &i32::from(packet.hops).to_ne_bytes());
    }
    if asked(IP_RECVTOS) {
        tell(IP_TOS, &[packet.class]);
    }
    if asked(IP_RECVORIGDSTADDR) {
        tell(IP_RECVORIGDSTADDR, &Address::Inet(packet.to).encode());
    }
}

fn tell_v6(numbers: &Numbers, packet: &Packet, told: &mut Vec<Control>) {
    let asked = |name| numbers.is_on(SOL_IPV6, name);
    let mut tell = |name, data: &[u8]| told.push(Control::new(SOL_IPV6, name, data));
    let shown = match packet.to.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    let info = In6Pktinfo { address: shown.octets(), interface: LOOPBACK_INDEX.unsigned_abs() };
    if asked(IPV6_RECVPKTINFO) {
        tell(IPV6_PKTINFO, info.as_bytes());
    }
    if packet.to.is_ipv4() {
        return;
    }
    if asked(IPV6_RECVHOPLIMIT) {
        tell(IPV6_HOPLIMIT, &i32::from(packet.hops).to_ne_bytes());
    }
    if asked(IPV6_RECVTCLASS) {
        tell(IPV6_TCLASS, &i32::from(packet.class).to_ne_bytes());
    }
    if asked(IPV6_2292PKTINFO) {
        tell(IPV6_2292PKTINFO, info.as_bytes());
    }
    if asked(IPV6_2292HOPLIMIT) {
        tell(IPV6_2292HOPLIMIT, &i32::from(packet.hops).to_ne_bytes());
    }
    if asked(IPV6_RECVORIGDSTADDR) {
        tell(IPV6_RECVORIGDSTADDR, &Address::Inet(packet.to).encode());
    }
}

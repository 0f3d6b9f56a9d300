//! Multicast over the loopback interface: who is a member of which group, ip(7) and ipv6(7).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::Errno;
use abi::socket::option::*;
use socket::OptionValue;
use socket::interfaces::LOOPBACK_INDEX;
use socket::value::int;

use super::Udp;

/// How many groups one socket may be in (`net.ipv4.igmp_max_memberships`).
const MOST: usize = 20;

/// A socket's part in multicast.
#[derive(Debug, Default)]
pub(super) struct Groups {
    joined: Vec<IpAddr>,
    /// `IP_MULTICAST_IF`: the address by which the interface was named, if it was.
    interface_v4: Option<Ipv4Addr>,
    /// `IPV6_MULTICAST_IF` names the interface.
    interface_v6: bool,
}

/// What `IP_ADD_MEMBERSHIP` and its like name: a group, and an interface by index or address.
struct Request {
    group: IpAddr,
    address: Ipv4Addr,
    index: i32,
}

impl Request {
    /// `struct ip_mreq` or `struct ip_mreqn`.
    fn v4(bytes: &[u8]) -> Result<Self, Errno> {
        let group = four(bytes, 0).ok_or(Errno::EINVAL)?;
        let address = four(bytes, 4).ok_or(Errno::EINVAL)?;
        let index = four(bytes, 8).map_or(0, i32::from_ne_bytes);
        Ok(Self { group: Ipv4Addr::from(group).into(), address: address.into(), index })
    }

    /// `struct ipv6_mreq`.
    fn v6(bytes: &[u8]) -> Result<Self, Errno> {
        let (group, rest) = bytes.split_first_chunk::<16>().ok_or(Errno::EINVAL)?;
        let index = int(rest)?;
        Ok(Self { group: Ipv6Addr::from(*group).into(), address: Ipv4Addr::UNSPECIFIED, index })
    }

    /// Whether it names the loopback interface.
    const fn is_loopback(&self) -> bool {
        if self.index == 0 { self.address.is_loopback() } else { self.index == LOOPBACK_INDEX }
    }
}

fn four(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..)?.first_chunk::<4>().copied()
}

impl Groups {
    /// The groups that it is in.
    pub(super) fn joined(&self) -> &[IpAddr] {
        &self.joined
    }

    /// Whether what it sends to a group goes over the loopback interface though nothing else says so.
    pub(super) fn sends_by_loopback(&self, group: IpAddr) -> bool {
        if group.is_ipv4() { self.interface_v4.is_some() } else { self.interface_v6 }
    }

    /// The value of an option about multicast, if it is one.
    pub(super) fn option(&self, level: u32, name: u32) -> Option<OptionValue> {
        match (level, name) {
            (SOL_IP, IP_MULTICAST_IF) => {
                let address = self.interface_v4.unwrap_or(Ipv4Addr::UNSPECIFIED);
                Some(OptionValue::Bytes(address.octets().to_vec()))
            }
            (SOL_IPV6, IPV6_MULTICAST_IF) => {
                Some(OptionValue::Int(if self.interface_v6 { LOOPBACK_INDEX } else { 0 }))
            }
            (SOL_IP, IP_UNICAST_IF) | (SOL_IPV6, IPV6_UNICAST_IF) => Some(OptionValue::Int(0)),
            _ => None,
        }
    }

    /// `IP_MULTICAST_IF`: an address, or a structure with an address and an index.
    fn choose_v4(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        let request = match bytes.len() {
            0..4 => return Err(Errno::EINVAL),
            4..8 => Request {
                group: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                address: four(bytes, 0).map_or(Ipv4Addr::UNSPECIFIED, Ipv4Addr::from),
                index: 0,
            },
            _ => Request::v4(bytes)?,
        };
        if request.index == 0 && request.address.is_unspecified() {
            self.interface_v4 = None;
            return Ok(());
        }
        if !request.is_loopback() {
            return Err(Errno::EADDRNOTAVAIL);
        }
        self.interface_v4 = Some(request.address);
        Ok(())
    }

    fn choose_v6(&mut self, index: i32) -> Result<(), Errno> {
        match index {
            0 => self.interface_v6 = false,
            LOOPBACK_INDEX => self.interface_v6 = true,
            _ => return Err(Errno::ENODEV),
        }
        Ok(())
    }
}

impl Udp {
    /// Sets an option about multicast, if it is one.
    ///
    /// # Errors
    /// `EINVAL` for what is no group, `ENODEV` for another interface, `EADDRINUSE`, `EADDRNOTAVAIL`, `ENOBUFS`.
    pub(super) fn set_group_option(
        &self,
        groups: &mut Groups,
        level: u32,
        name: u32,
        value: &[u8],
    ) -> Option<Result<(), Errno>> {
        Some(match (level, name) {
            (SOL_IP, IP_MULTICAST_IF) => groups.choose_v4(value),
            (SOL_IPV6, IPV6_MULTICAST_IF) => int(value).and_then(|index| groups.choose_v6(index)),
            (SOL_IP, IP_ADD_MEMBERSHIP) => Request::v4(value).and_then(|r| self.join(groups, &r)),
            (SOL_IPV6, IPV6_ADD_MEMBERSHIP) => Request::v6(value).and_then(|r| self.join(groups, &r)),
            (SOL_IP, IP_DROP_MEMBERSHIP) => Request::v4(value).and_then(|r| self.leave(groups, &r)),
            (SOL_IPV6, IPV6_DROP_MEMBERSHIP) => Request::v6(value).and_then(|r| self.leave(groups, &r)),
            (SOL_IP, IP_UNICAST_IF) | (SOL_IPV6, IPV6_UNICAST_IF) => match int(value).map(i32::from_be) {
                Ok(0 | LOOPBACK_INDEX) => Ok(()),
                Ok(_) => Err(Errno::EADDRNOTAVAIL),
                Err(errno) => Err(errno),
            },
            _ => return None,
        })
    }

    fn join(&self, groups: &mut Groups, request: &Request) -> Result<(), Errno> {
        if !request.group.is_multicast() {
            return Err(Errno::EINVAL);
        }
        if !request.is_loopback() {
            return Err(Errno::ENODEV);
        }
        if groups.joined.contains(&request.group) {
            return Err(Errno::EADDRINUSE);
        }
        if groups.joined.len() >= MOST {
            return Err(Errno::ENOBUFS);
        }
        groups.joined.push(request.group);
        self.system.members.join(request.group);
        Ok(())
    }

    fn leave(&self, groups: &mut Groups, request: &Request) -> Result<(), Errno> {
        let named = request.index != 0 || !request.address.is_unspecified();
        if named && !request.is_loopback() {
            return Err(Errno::ENODEV);
        }
        let at = groups.joined.iter().position(|group| *group == request.group);
        groups.joined.remove(at.ok_or(Errno::EADDRNOTAVAIL)?);
        self.system.members.leave(request.group);
        Ok(())
    }
}

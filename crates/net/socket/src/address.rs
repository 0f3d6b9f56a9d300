//! Socket addresses.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::Arc;

use abi::Errno;
use abi::socket::address::{SOCKADDR_IN6_MIN, SockaddrIn, SockaddrIn6, SockaddrNl, UNIX_PATH_MAX};
use abi::socket::family;
use vfs::Device;
use zerocopy::{FromBytes, IntoBytes};

/// An address of any family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `AF_UNSPEC`: dissolves an association when connected to.
    Unspecified,
    /// `AF_UNIX`.
    Unix(UnixAddress),
    /// `AF_INET` or `AF_INET6`.
    Inet(SocketAddr),
    /// `AF_NETLINK`.
    Netlink {
        /// Port: the process's id, by custom.
        port: u32,
        /// Multicast groups, one bit each.
        groups: u32,
    },
    /// A family whose addresses are not understood here.
    Other(u16),
}

/// An address of unix(7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnixAddress {
    /// None; binding to it chooses an abstract name.
    Unnamed,
    /// A path as the program gave it, without its NUL, and the inode there once it has been looked up.
    Path {
        /// The path.
        name: Arc<[u8]>,
        /// The socket's inode.
        inode: Option<SocketInode>,
    },
    /// A name in the namespace's own table.
    Abstract(Arc<[u8]>),
}

/// Identifies the inode that a socket is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SocketInode {
    /// Of which filesystem.
    pub device: Device,
    /// Which inode.
    pub inode: u64,
}

impl Address {
    /// Decodes an address as a program passed it.
    ///
    /// # Errors
    /// `EINVAL` if it is too short or too long for its family.
    pub fn decode(bytes: &[u8]) -> Result<Self, Errno> {
        let (number, rest) = u16::read_from_prefix(bytes).map_err(|_| Errno::EINVAL)?;
        match number {
            family::AF_UNSPEC => Ok(Self::Unspecified),
            family::AF_UNIX => UnixAddress::decode(rest).map(Self::Unix),
            family::AF_INET => {
                let (raw, _) = SockaddrIn::read_from_prefix(bytes).map_err(|_| Errno::EINVAL)?;
                let address = Ipv4Addr::from(raw.address);
                Ok(Self::Inet(SocketAddrV4::new(address, u16::from_be_bytes(raw.port)).into()))
            }
            family::AF_INET6 => decode_inet6(bytes).map(Self::Inet),
            family::AF_NETLINK => {
                let (raw, _) = SockaddrNl::read_from_prefix(bytes).map_err(|_| Errno::EINVAL)?;
                Ok(Self::Netlink { port: raw.port, groups: raw.groups })
            }
            other => Ok(Self::Other(other)),
        }
    }

    /// The bytes of `struct sockaddr_*`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Unspecified => family::AF_UNSPEC.as_bytes().to_vec(),
            Self::Other(number) => number.as_bytes().to_vec(),
            Self::Unix(address) => address.encode(),
            Self::Inet(SocketAddr::V4(a)) => SockaddrIn {
                family: family::AF_INET,
                port: a.port().to_be_bytes(),
                address: a.ip().octets(),
                zero: [0; 8],
            }
            .as_bytes()
            .to_vec(),
            Self::Inet(SocketAddr::V6(a)) => SockaddrIn6 {
                family: family::AF_INET6,
                port: a.port().to_be_bytes(),
                flow_info: a.flowinfo().to_be_bytes(),
                address: a.ip().octets(),
                scope_id: a.scope_id(),
            }
            .as_bytes()
            .to_vec(),
            Self::Netlink { port, groups } => {
                SockaddrNl { family: family::AF_NETLINK, pad: 0, port: *port, groups: *groups }
                    .as_bytes()
                    .to_vec()
            }
        }
    }
}

fn decode_inet6(bytes: &[u8]) -> Result<SocketAddr, Errno> {
    let mut whole = [0; size_of::<SockaddrIn6>()];
    if bytes.len() < SOCKADDR_IN6_MIN {
        return Err(Errno::EINVAL);
    }
    for (to, from) in whole.iter_mut().zip(bytes) {
        *to = *from;
    }
    let raw = SockaddrIn6::read_from_bytes(&whole).map_err(|_| Errno::EINVAL)?;
    let address = Ipv6Addr::from(raw.address);
    let flow = u32::from_be_bytes(raw.flow_info);
    Ok(SocketAddrV6::new(address, u16::from_be_bytes(raw.port), flow, raw.scope_id).into())
}

impl UnixAddress {
    fn decode(path: &[u8]) -> Result<Self, Errno> {
        if path.len() > UNIX_PATH_MAX {
            return Err(Errno::EINVAL);
        }
        match path.split_first() {
            None => Ok(Self::Unnamed),
            Some((0, name)) => Ok(Self::Abstract(name.into())),
            Some(_) => {
                let name = path.split(|b| *b == 0).next().unwrap_or_default();
                Ok(Self::Path { name: name.into(), inode: None })
            }
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = family::AF_UNIX.as_bytes().to_vec();
        match self {
            Self::Unnamed => {}
            Self::Path { name, .. } => {
                bytes.extend_from_slice(name);
                bytes.push(0);
            }
            Self::Abstract(name) => {
                bytes.push(0);
                bytes.extend_from_slice(name);
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unix_paths_end_at_their_nul() {
        let decoded = Address::decode(b"\x01\0/tmp/x\0rest").unwrap();
        assert_eq!(decoded, Address::Unix(UnixAddress::Path { name: (*b"/tmp/x").into(), inode: None }));
        assert_eq!(decoded.encode(), b"\x01\0/tmp/x\0");
    }

    #[test]
    fn abstract_names_keep_every_byte() {
        let raw = b"\x01\0\0a\0b\0";
        assert_eq!(Address::decode(raw).unwrap().encode(), raw);
    }

    #[test]
    fn short_addresses_are_invalid() {
        assert_eq!(Address::decode(&[2, 0, 0, 80, 127, 0, 0]), Err(Errno::EINVAL));
        assert_eq!(Address::decode(&[1]), Err(Errno::EINVAL));
        assert_eq!(Address::decode(&[10; 23]), Ok(Address::Other(0x0a0a)));
    }

    proptest! {
        #[test]
        fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
            let _ = Address::decode(&bytes);
        }

        #[test]
        fn inet_survives_the_way_there_and_back(a: [u8; 4], port: u16) {
            let address = Address::Inet(SocketAddrV4::new(a.into(), port).into());
            prop_assert_eq!(Address::decode(&address.encode()), Ok(address));
        }
    }
}

//! Socket addresses in memory: `struct sockaddr` and what it stands for.
#![expect(missing_docs, reason = "the fields of ip(7), ipv6(7), unix(7) and netlink(7) by their names")]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The largest address that any family takes (`struct sockaddr_storage`), in bytes.
pub const STORAGE_SIZE: usize = 128;
/// The size of `sun_path`.
pub const UNIX_PATH_MAX: usize = 108;

/// `struct sockaddr_in`. Port and address are in network order.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SockaddrIn {
    pub family: u16,
    pub port: [u8; 2],
    pub address: [u8; 4],
    pub zero: [u8; 8],
}

/// `struct sockaddr_in6`. Port and address are in network order.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SockaddrIn6 {
    pub family: u16,
    pub port: [u8; 2],
    pub flow_info: [u8; 4],
    pub address: [u8; 16],
    pub scope_id: u32,
}

/// The part of `struct sockaddr_in6` that Linux insists on: it once ended before the scope.
pub const SOCKADDR_IN6_MIN: usize = 24;

/// `struct sockaddr_nl`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SockaddrNl {
    pub family: u16,
    pub pad: u16,
    pub port: u32,
    pub groups: u32,
}

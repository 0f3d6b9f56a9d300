//! Address families, socket types and protocols: the arguments of socket(2).
#![expect(missing_docs, reason = "the constants of socket(2) by their names")]

pub const AF_UNSPEC: u16 = 0;
pub const AF_UNIX: u16 = 1;
pub const AF_INET: u16 = 2;
pub const AF_INET6: u16 = 10;
pub const AF_NETLINK: u16 = 16;
pub const AF_PACKET: u16 = 17;
/// One more than the largest family that Linux defines.
pub const AF_MAX: u16 = 46;

pub const SOCK_STREAM: u32 = 1;
pub const SOCK_DGRAM: u32 = 2;
pub const SOCK_RAW: u32 = 3;
pub const SOCK_RDM: u32 = 4;
pub const SOCK_SEQPACKET: u32 = 5;
pub const SOCK_DCCP: u32 = 6;
pub const SOCK_PACKET: u32 = 10;
/// The bits of socket(2)'s second argument that are the type.
pub const SOCK_TYPE_MASK: u32 = 0xf;
pub const SOCK_NONBLOCK: u32 = 0o4000;
pub const SOCK_CLOEXEC: u32 = 0o2_000_000;

pub const IPPROTO_IP: u32 = 0;
pub const IPPROTO_ICMP: u32 = 1;
pub const IPPROTO_TCP: u32 = 6;
pub const IPPROTO_UDP: u32 = 17;
pub const IPPROTO_IPV6: u32 = 41;
pub const IPPROTO_ICMPV6: u32 = 58;
/// One more than the largest protocol of an IP header.
pub const IPPROTO_MAX: u32 = 256;

/// `NETLINK_ROUTE`: links, addresses and routes.
pub const NETLINK_ROUTE: u32 = 0;

/// The largest backlog of listen(2) (`net.core.somaxconn`).
pub const SOMAXCONN: u32 = 4096;
/// How many descriptors one message may carry.
pub const SCM_MAX_FD: usize = 253;

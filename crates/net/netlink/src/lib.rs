//! AF_NETLINK, netlink(7): the route family for a namespace whose only interface is `lo`.
//!
//! It answers what getifaddrs(3), if_nameindex(3) and getaddrinfo(3) ask: the list of links and that of addresses, and takes
//! `lo` up and down. Everything else is refused with an error message.
#![forbid(unsafe_code)]

mod family;
mod message;
mod route;
mod socket_impl;

pub use family::NetlinkFamily;

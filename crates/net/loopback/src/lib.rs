//! TCP and UDP within a sandbox: AF_INET and AF_INET6 over the loopback interface.
//!
//! A TCP connection is a pair of [`socket::channel::Channel`]s, not packets: there are no segments, no timers and nothing to lose.
//! What programs see of the protocol (half close, resets, backlog, addresses, ports) is as in Linux. Other addresses than 127.0.0.0/8
//! and ::1 are unreachable, as on a machine whose only interface is `lo`.
#![forbid(unsafe_code)]

mod address;
mod family;
mod members;
mod options;
mod ports;
mod tcp;
mod udp;

pub use family::{InetFamily, InetSystem};

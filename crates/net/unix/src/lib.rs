//! AF_UNIX, unix(7): streams, datagrams and sequenced packets between the processes of a sandbox, with descriptor passing.
//!
//! A connected stream is two [`socket::channel::Channel`]s. Datagram and sequenced-packet sockets have an inbox each. An
//! address that is a path is known by the inode there: whoever calls looks the path up, and makes the inode before binding.
#![forbid(unsafe_code)]

mod bind;
mod close;
mod connect;
mod family;
mod garbage;
mod host;
mod inbox;
mod names;
mod packets;
mod socket_impl;
mod state;
mod stream;

pub use family::{UnixFamily, UnixSystem};

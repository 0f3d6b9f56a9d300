//! The socket layer: everything between the system calls and the protocols.
//!
//! A protocol implements [`Socket`], whose operations never wait: they fail with `EAGAIN`, and the socket's own readiness tells
//! when to try again, also when what is waited for is room at the other end. A [`Family`] makes sockets, a [`Namespace`] holds
//! the families that its tasks can use, and [`SocketFile`] makes a socket an open file.
//!
//! What protocols share is here too: [`channel::Channel`] is one direction of a stream, [`datagram::DatagramQueue`] a bounded
//! queue of messages, [`flight::Flight`] counts the descriptors that are on their way.
#![forbid(unsafe_code)]

pub mod address;
pub mod ancillary;
pub mod caller;
pub mod channel;
pub mod core;
pub mod datagram;
pub mod file;
pub mod flight;
pub mod host_end;
pub mod interfaces;
pub mod message;
pub mod namespace;
mod net;
pub mod options;
pub mod ring;
pub mod socket;
pub mod value;
pub mod waiters;

pub use address::{Address, SocketInode, UnixAddress};
pub use ancillary::{Ancillary, Control, Packet};
pub use caller::{Caller, Identity};
pub use core::{Core, Kind};
pub use file::SocketFile;
pub use flight::{Flight, Rights};
pub use host_end::{HostEnd, HostEnds};
pub use message::{Incoming, Outgoing, Received};
pub use namespace::{Family, Namespace, Pair};
pub use net::{Maker, NO_GROUPS, Net};
pub use options::Options;
pub use socket::{Accepted, Shutdown, Socket};
pub use value::OptionValue;

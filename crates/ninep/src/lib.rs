//! 9P2000.L: the messages, their framing, and a client.
//!
//! Each message is declared once, in [`message`], with its number and its fields in the order of the wire; encoding, decoding
//! and the pairing of request and reply are derived from that. The base protocol is byte-exact, so that other clients and
//! servers can be used. Numbers from 160 on are this project's extension, spoken only if both sides named it in the version
//! string ([`version`]).
//!
//! Decoding is total: whatever a peer sends is either a message or a [`Malformed`]. It allocates no more than in proportion
//! to the bytes that really arrived.
#![forbid(unsafe_code)]

pub mod client;
pub mod entry;
pub mod flags;
pub mod frame;
pub mod message;
pub mod patience;
pub mod types;
pub mod version;
pub mod wire;

pub use message::{Reply, Request};
pub use types::{Attr, Extent, Qid, SetAttr, StatFs, Target, Time};
pub use wire::{Data, Malformed, Reader, Text, Wire, Writer};

/// The fid that stands for none.
pub const NO_FID: u32 = u32::MAX;
/// The tag of a version request.
pub const NO_TAG: u16 = u16::MAX;
/// A number that stands for "no user", as the attach request has it.
pub const NO_UID: u32 = u32::MAX;

//! What travels beside the bytes.

use std::net::SocketAddr;

use crate::{Identity, Rights};

/// The ancillary data of a message in a queue.
#[derive(Debug, Default)]
pub struct Ancillary {
    /// Descriptors.
    pub rights: Option<Rights>,
    /// Who sent it.
    pub credentials: Option<Identity>,
    /// What the header of its packet says.
    pub packet: Option<Packet>,
}

/// What the header of a packet says beside its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Where it was sent to.
    pub to: SocketAddr,
    /// Time to live, or hop limit.
    pub hops: u8,
    /// Type of service, or traffic class.
    pub class: u8,
}

/// A control message of a protocol: cmsg(3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// `SOL_*`.
    pub level: u32,
    /// Its type within the level.
    pub kind: u32,
    /// Its data.
    pub data: Vec<u8>,
}

impl Control {
    /// One with this data.
    #[must_use]
    pub fn new(level: u32, kind: u32, data: &[u8]) -> Self {
        Self { level, kind, data: data.to_vec() }
    }
}

impl Ancillary {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rights.is_none() && self.credentials.is_none()
    }
}

//! A message to be sent, and one that was received.

use std::sync::Arc;

use abi::socket::message::MessageFlags;
use vfs::{OpenFile, Sink, Source, Timestamp};

use crate::{Address, Caller, Control, Identity, Packet};

/// What is to be sent.
pub struct Outgoing<'a> {
    /// The bytes.
    pub data: &'a mut dyn Source,
    /// Where to, if not to the connected peer.
    pub to: Option<&'a Address>,
    /// Descriptors to pass. Taken by the send that succeeds; the caller keeps its own reference until then.
    pub files: Vec<Arc<OpenFile>>,
    /// Credentials to pass (`SCM_CREDENTIALS`), already checked.
    pub credentials: Option<Identity>,
    /// Control messages of the protocol (IP).
    pub control: &'a [Control],
    /// `MSG_*`.
    pub flags: MessageFlags,
    /// Who sends.
    pub caller: &'a Caller,
}

/// Where to receive into.
pub struct Incoming<'a> {
    /// Room for the bytes.
    pub into: &'a mut dyn Sink,
    /// `MSG_*`.
    pub flags: MessageFlags,
}

/// What came.
#[derive(Default)]
pub struct Received {
    /// How many bytes were stored.
    pub stored: usize,
    /// How long the message is, if it is one: more than `stored` if it did not fit.
    pub length: usize,
    /// Who sent it, where that is known a message at a time.
    pub from: Option<Address>,
    /// Descriptors passed.
    pub files: Vec<Arc<OpenFile>>,
    /// Credentials passed, if the socket asked for them.
    pub credentials: Option<Identity>,
    /// What the header of its packet says.
    pub packet: Option<Packet>,
    /// When it came, if receivers can ask for it.
    pub arrived: Option<Timestamp>,
    /// Control messages of the protocol.
    pub control: Vec<Control>,
    /// `MSG_TRUNC`, `MSG_EOR`, for `msg_flags`.
    pub flags: MessageFlags,
    /// Nothing more may be added to what came (descriptors came with it, or it is a message).
    pub complete: bool,
}

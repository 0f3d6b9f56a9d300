//! Linux is the oracle: a test runs the same steps on sockets of the host and on ours, and compares what each step gives.
//!
//! All sockets are non-blocking. A step's result is a [`Result`] with the number of the error.
#![forbid(unsafe_code)]

mod host;
mod ours;

use std::fmt::Debug;

use abi::Errno;
use abi::socket::message::MessageFlags;
use socket::{Address, Kind, Shutdown};

pub use host::Host;
pub use ours::{Ours, caller};

/// Options that the tests set.
#[derive(Clone, Copy, Debug)]
pub enum Setting {
    /// `SO_REUSEADDR`
    ReuseAddress,
    /// `SO_REUSEPORT`
    ReusePort,
    /// `SO_BROADCAST`
    Broadcast,
    /// `SO_PASSCRED`
    PassCredentials,
    /// `IPV6_V6ONLY` on or off
    V6Only(bool),
    /// `SO_LINGER` with zero seconds
    LingerZero,
    /// `SO_SNDBUF`
    SendBuffer(usize),
}

/// What was received.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// The bytes.
    pub data: Vec<u8>,
    /// How many descriptors came.
    pub files: usize,
    /// Who sent it.
    pub from: Option<Address>,
    /// Whether it was cut.
    pub truncated: bool,
    /// User id in `SCM_CREDENTIALS`.
    pub uid: Option<u32>,
}

/// A socket.
pub trait End {
    /// bind(2)
    fn bind(&self, address: &Address) -> Result<(), Errno>;
    /// listen(2)
    fn listen(&self, backlog: i32) -> Result<(), Errno>;
    /// connect(2)
    fn connect(&self, address: &Address) -> Result<(), Errno>;
    /// accept(2)
    fn accept(&self) -> Result<(Box<dyn End>, Option<Address>), Errno>;
    /// sendmsg(2) with the descriptors of `files`, without SIGPIPE.
    fn send(&self, data: &[u8], to: Option<&Address>, files: &[&dyn End]) -> Result<usize, Errno>;
    /// recvmsg(2)
    fn receive(&self, room: usize, flags: MessageFlags) -> Result<Message, Errno>;
    /// shutdown(2)
    fn shutdown(&self, how: Shutdown) -> Result<(), Errno>;
    /// poll(2): the bits.
    fn poll(&self) -> u32;
    /// getsockname(2)
    fn local(&self) -> Result<Address, Errno>;
    /// getpeername(2)
    fn peer(&self) -> Result<Address, Errno>;
    /// `SO_ERROR`
    fn error(&self) -> Option<Errno>;
    /// setsockopt(2)
    fn set(&self, setting: Setting) -> Result<(), Errno>;
    /// Itself, for passing as a descriptor.
    fn as_any(&self) -> &dyn std::any::Any;

    /// send without destination and descriptors.
    fn put(&self, data: &[u8]) -> Result<usize, Errno> {
        self.send(data, None, &[])
    }

    /// recv without flags: the bytes.
    fn get(&self, room: usize) -> Result<Vec<u8>, Errno> {
        self.receive(room, MessageFlags::empty()).map(|m| m.data)
    }
}

/// Two sockets connected to each other.
pub type Ends = (Box<dyn End>, Box<dyn End>);

/// Where sockets come from.
pub trait World {
    /// socket(2)
    fn socket(&self, family: u16, kind: Kind) -> Result<Box<dyn End>, Errno>;
    /// socketpair(2), AF_UNIX
    fn pair(&self, kind: Kind) -> Result<Ends, Errno>;
}

/// The results of the steps, as text.
#[derive(Default)]
pub struct Log(Vec<String>);

impl Log {
    /// Notes the result of a step.
    pub fn note(&mut self, step: &str, result: impl Debug) {
        self.0.push(format!("{step}: {result:?}"));
    }
}

/// Runs the steps on the host and on our sockets. What is different, in words; nothing if all is well.
pub fn differences(ours: &dyn World, steps: impl Fn(&dyn World, &mut Log)) -> Vec<String> {
    let (mut host, mut mine) = (Log::default(), Log::default());
    steps(&Host, &mut host);
    steps(ours, &mut mine);
    let pairs = host.0.iter().zip(&mine.0).enumerate().filter(|(_, (theirs, ours))| theirs != ours);
    let mut found: Vec<String> =
        pairs.map(|(at, (theirs, ours))| format!("step {at}: the host {theirs}; here {ours}")).collect();
    if host.0.len() != mine.0.len() {
        found.push(format!("the host took {} steps, we {}", host.0.len(), mine.0.len()));
    }
    found
}

/// Both halves, or one.
#[must_use]
pub const fn halves(read: bool, write: bool) -> Shutdown {
    Shutdown { read, write }
}

//! The control protocol between runtime and sentry: small JSON messages over Unix `SOCK_SEQPACKET` sockets.
//!
//! The runtime that creates a sandbox talks over a pair; every later command connects to a listening socket in the state directory. A
//! connection is about one process: the container's first, until [`Request::Exec`] starts another and makes the connection
//! its own. When such a connection is closed, its process is killed.
//!
//! The runtime must assume that a sentry has been taken over: messages are bounded, and a malformed one is an error,
//! never a crash.

mod channel;
mod message;

pub use channel::{Channel, LONGEST, MOST_DESCRIPTORS, ReceiveError};
pub use message::{
    Event, ExitStatus, PROCESSES_IN_A_MESSAGE, ProcessEntry, Recipients, Request, Status, Used,
};

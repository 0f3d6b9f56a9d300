//! What several messages share, and those of ttrpc itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::wire::Message;

messages! {
    /// A message of any type.
    Any = "google.protobuf.Any" {
        1 type_url: String,
        2 value: Vec<u8>,
    }

    /// A time since 1970.
    Timestamp = "google.protobuf.Timestamp" {
        1 seconds: u64,
        2 nanoseconds: u32,
    }

    /// Nothing to say.
    Empty = "google.protobuf.Empty" {}

    /// Something to mount.
    Mount = "containerd.types.Mount" {
        1 kind: String,
        2 source: String,
        3 target: String,
        4 options: Vec<String>,
    }

    /// A call. What it is to carry out is a message of its own. The time limit is in nanoseconds.
    Request = "ttrpc.Request" {
        1 service: String,
        2 method: String,
        3 payload: Vec<u8>,
        4 limit: u64,
    }

    /// The answer: a message of the call's own, if the status is that of success.
    Response = "ttrpc.Response" {
        1 status: Option<Status>,
        2 payload: Vec<u8>,
    }

    /// How a call went: a code of gRPC, and a sentence.
    Status = "google.rpc.Status" {
        1 code: u32,
        2 message: String,
    }
}

impl Any {
    /// A message with its name.
    pub(crate) fn of<M: Message>(message: &M) -> Self {
        Self { type_url: M::NAME.to_owned(), value: message.encode() }
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { seconds: since.as_secs(), nanoseconds: since.subsec_nanos() }
    }
}

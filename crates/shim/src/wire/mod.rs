//! What goes over the sockets between containerd and a shim: protocol buffers in frames of ttrpc.

mod protobuf;
mod ttrpc;

pub(crate) use protobuf::{Field, Malformed, Message, Value};
pub(crate) use ttrpc::{Frame, Kind};

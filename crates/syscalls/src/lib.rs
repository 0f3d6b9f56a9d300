//! The system call table and its handlers.
//!
//! A handler is a function of the calling task and typed arguments: decode, validate, delegate. Its row in
//! [`table`] is the one place that knows its number, name, arguments and support level; dispatch, `--strace` and the
//! support page come from there.
#![forbid(unsafe_code)]

pub mod aio;
pub mod argument;
pub mod credentials;
pub mod dispatch;
pub mod event;
pub mod file;
pub mod ipc;
pub mod memory;
pub mod net;
pub mod process;
pub mod resources;
pub mod row;
pub mod signal;
pub mod support;
pub mod system;
pub mod table;
#[cfg(test)]
mod testing;
pub mod time;

pub use dispatch::Table;
pub use row::{Handler, Row, Support};

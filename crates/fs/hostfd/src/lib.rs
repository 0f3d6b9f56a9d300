//! Host descriptors as files of the guest: what the sandbox's programs get as standard input, output and error.
//!
//! A [`HostFile`] never blocks the sentry and never changes the flags of a description that other processes of the host share; regular
//! files are read and written at the description's own offset, so that several processes appending to one file lose nothing.
//! [`Poller`] is the one thread that waits for all of them.
#![forbid(unsafe_code)]

mod attributes;
mod control;
mod file;
mod import;
mod kind;
mod poller;
mod terminal;
mod transfer;

pub use file::HostFile;
pub use import::Importer;
pub use kind::Kind;
pub use poller::{Followed, Poller, Turn};

#[cfg(test)]
mod tests;

//! Reading and writing.

pub mod copy;
mod iovec;
pub mod limit;
pub mod read;
pub mod splice;
mod terminal;
mod transfer;
pub mod vectored;
pub mod write;

pub(crate) use iovec::{one, one_cut, several};
pub(crate) use transfer::{Manner, Place, read_at_once, read_file, wait_for, write_at_once, write_file};

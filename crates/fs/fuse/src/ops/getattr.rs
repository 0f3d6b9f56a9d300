//! GETATTR: what stat(2) reports.

use abi::Errno;
use zerocopy::IntoBytes;

use super::structure;
use crate::connection::{Connection, Shape};
use crate::wire::{AttrOut, GetattrIn, Opcode};

/// `FUSE_GETATTR_FH`: the handle counts.
const HANDLE: u32 = 1;

impl Connection {
    /// The attributes of a file, through an open one if there is.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn getattr(&self, node: u64, handle: Option<u64>) -> Result<AttrOut, Errno> {
        let flags = if handle.is_some() { HANDLE } else { 0 };
        let body = GetattrIn { getattr_flags: flags, dummy: 0, fh: handle.unwrap_or(0) };
        structure(&self.ask(Opcode::Getattr, node, &[body.as_bytes()], Shape::of::<AttrOut>())?)
    }
}

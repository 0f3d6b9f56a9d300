//! SETATTR: chmod(2), chown(2), truncate(2), utimensat(2).

use abi::Errno;
use zerocopy::IntoBytes;

use super::structure;
use crate::connection::{Connection, Shape};
use crate::wire::{AttrOut, Opcode, SetattrIn};

impl Connection {
    /// Changes attributes.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn setattr(&self, node: u64, change: &SetattrIn) -> Result<AttrOut, Errno> {
        structure(&self.ask(Opcode::Setattr, node, &[change.as_bytes()], Shape::of::<AttrOut>())?)
    }
}

//! SYMLINK: symlink(2).

use abi::Errno;

use super::making::Parent;
use super::{NUL, structure};
use crate::connection::{Connection, Shape};
use crate::wire::{EntryOut, Opcode};

impl Connection {
    /// Makes a symbolic link.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn symlink(&self, parent: Parent, name: &[u8], target: &[u8]) -> Result<EntryOut, Errno> {
        let parts = [name, NUL, target, NUL];
        structure(&self.ask_to_make(Opcode::Symlink, parent, &parts, Shape::of::<EntryOut>())?)
    }
}

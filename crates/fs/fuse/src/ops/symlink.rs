//! SYMLINK: symlink(2).

use abi::Errno;

use super::{NUL, structure};
use crate::connection::{Connection, Shape};
use crate::wire::{EntryOut, Opcode};

impl Connection {
    /// Makes a symbolic link.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn symlink(&self, parent: u64, name: &[u8], target: &[u8]) -> Result<EntryOut, Errno> {
        let parts = [name, NUL, target, NUL];
        structure(&self.ask(Opcode::Symlink, parent, &parts, Shape::of::<EntryOut>())?)
    }
}

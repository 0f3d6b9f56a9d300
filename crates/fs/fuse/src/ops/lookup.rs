//! LOOKUP: the file of a name.

use abi::Errno;

use super::{NUL, structure};
use crate::connection::{Connection, Shape};
use crate::wire::{EntryOut, Opcode};

impl Connection {
    /// The file of a name. Number 0 says that there is none, and for how long.
    ///
    /// # Errors
    /// `ENOENT`, and as [`Connection::ask`].
    pub(crate) fn lookup(&self, parent: u64, name: &[u8]) -> Result<EntryOut, Errno> {
        structure(&self.ask(Opcode::Lookup, parent, &[name, NUL], Shape::of::<EntryOut>())?)
    }
}

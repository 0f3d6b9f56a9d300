//! READDIR and READDIRPLUS: the entries of a directory.

use abi::Errno;
use zerocopy::IntoBytes;

use crate::connection::{Connection, Shape};
use crate::wire::{Opcode, ReadIn};

impl Connection {
    /// Entries from a position on, as the server packs them; with what LOOKUP would say of each if `plus`.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn readdir(&self, node: u64, what: &ReadIn, plus: bool) -> Result<Vec<u8>, Errno> {
        let opcode = if plus { Opcode::Readdirplus } else { Opcode::Readdir };
        let most = usize::try_from(what.size).unwrap_or(usize::MAX);
        self.ask(opcode, node, &[what.as_bytes()], Shape::UpTo(most))
    }
}

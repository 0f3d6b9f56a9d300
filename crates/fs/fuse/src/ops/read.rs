//! READ: the content of a file.

use abi::Errno;
use zerocopy::IntoBytes;

use crate::connection::{Connection, Shape};
use crate::wire::{Opcode, ReadIn};

impl Connection {
    /// Content from an offset on: less than asked for only at the end.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn read(&self, node: u64, what: &ReadIn) -> Result<Vec<u8>, Errno> {
        let most = usize::try_from(what.size).unwrap_or(usize::MAX);
        self.ask(Opcode::Read, node, &[what.as_bytes()], Shape::UpTo(most))
    }
}

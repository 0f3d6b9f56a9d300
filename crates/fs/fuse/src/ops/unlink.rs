//! UNLINK: unlink(2).

use abi::Errno;

use super::NUL;
use crate::connection::{Connection, Shape};
use crate::wire::Opcode;

impl Connection {
    /// Removes the name of something that is no directory.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn unlink(&self, parent: u64, name: &[u8]) -> Result<(), Errno> {
        self.ask(Opcode::Unlink, parent, &[name, NUL], Shape::Exactly(0)).map(drop)
    }
}

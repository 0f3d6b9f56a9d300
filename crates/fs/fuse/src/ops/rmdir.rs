//! RMDIR: rmdir(2).

use abi::Errno;

use super::NUL;
use crate::connection::{Connection, Shape};
use crate::wire::Opcode;

impl Connection {
    /// Removes an empty directory.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn rmdir(&self, parent: u64, name: &[u8]) -> Result<(), Errno> {
        self.ask(Opcode::Rmdir, parent, &[name, NUL], Shape::Exactly(0)).map(drop)
    }
}

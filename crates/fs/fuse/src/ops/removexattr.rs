//! REMOVEXATTR: removexattr(2).

use abi::Errno;

use super::NUL;
use crate::connection::{Connection, Shape};
use crate::wire::Opcode;

impl Connection {
    /// Removes an extended attribute.
    ///
    /// # Errors
    /// `ENODATA`, `EOPNOTSUPP` if the server knows none, and as [`Connection::ask`].
    pub(crate) fn removexattr(&self, node: u64, name: &[u8]) -> Result<(), Errno> {
        if self.refused().is(Opcode::Removexattr) {
            return Err(Errno::EOPNOTSUPP);
        }
        let answer = self.ask(Opcode::Removexattr, node, &[name, NUL], Shape::Exactly(0));
        self.known(Opcode::Removexattr, answer, Errno::EOPNOTSUPP).map(drop)
    }
}

//! ACCESS: access(2) and chdir(2), where permissions are the server's business.

use abi::Errno;
use zerocopy::IntoBytes;

use crate::connection::{Connection, Shape};
use crate::wire::{AccessIn, Opcode};

impl Connection {
    /// Whether the caller may access a file so. A server that does not know the request has no objection.
    ///
    /// # Errors
    /// `EACCES`, and as [`Connection::ask`].
    pub(crate) fn access(&self, node: u64, mask: u32) -> Result<(), Errno> {
        if self.refused().is(Opcode::Access) {
            return Ok(());
        }
        let body = AccessIn { mask, padding: 0 };
        match self.ask(Opcode::Access, node, &[body.as_bytes()], Shape::Exactly(0)) {
            Err(Errno::ENOSYS) => {
                self.refused().note(Opcode::Access);
                Ok(())
            }
            answer => answer.map(drop),
        }
    }
}

//! FLUSH: close(2) of one descriptor, and the end of the closing process's record locks.

use abi::Errno;
use vfs::waiting;
use zerocopy::IntoBytes;

use crate::connection::{Connection, Question, Shape};
use crate::wire::{FlushIn, Opcode};

impl Connection {
    /// Tells of a close, and what close(2) shall report. A process that ends waits for no answer.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn flush(&self, node: u64, handle: u64, owner: u64) -> Result<(), Errno> {
        if self.refused().is(Opcode::Flush) {
            return Ok(());
        }
        let body = FlushIn { fh: handle, unused: 0, padding: 0, lock_owner: owner };
        if waiting::identity().is_none_or(|identity| identity.leaving) {
            let (asker, body) = (self.asker().unwrap_or_default(), body.as_bytes().to_vec());
            self.post(
                Question { opcode: Opcode::Flush, node, asker, body, shape: Shape::Exactly(0), extension: 0 },
                None,
            );
            return Ok(());
        }
        match self.ask(Opcode::Flush, node, &[body.as_bytes()], Shape::Exactly(0)) {
            Err(Errno::ENOSYS) => {
                self.refused().note(Opcode::Flush);
                Ok(())
            }
            answer => answer.map(drop),
        }
    }
}

//! FALLOCATE: fallocate(2).

use abi::Errno;
use zerocopy::IntoBytes;

use crate::connection::{Connection, Shape};
use crate::wire::{FallocateIn, Opcode};

impl Connection {
    /// Reserves, punches or zeroes a range.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if the server cannot, and as [`Connection::ask`].
    pub(crate) fn fallocate(&self, node: u64, what: &FallocateIn) -> Result<(), Errno> {
        if self.refused().is(Opcode::Fallocate) {
            return Err(Errno::EOPNOTSUPP);
        }
        let answer = self.ask(Opcode::Fallocate, node, &[what.as_bytes()], Shape::Exactly(0));
        self.known(Opcode::Fallocate, answer, Errno::EOPNOTSUPP).map(drop)
    }
}

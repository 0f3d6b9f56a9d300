//! LSEEK: the next data or hole of a file.

use abi::Errno;
use zerocopy::IntoBytes;

use super::structure;
use crate::connection::{Connection, Shape};
use crate::wire::{LseekIn, LseekOut, Opcode};

/// `SEEK_DATA`.
const DATA: u32 = 3;
/// `SEEK_HOLE`.
const HOLE: u32 = 4;

impl Connection {
    /// The next hole, or else data, at or after an offset. `ENOSYS`, once and for all, from servers that do not know.
    ///
    /// # Errors
    /// `ENXIO` behind the end, and as [`Connection::ask`].
    pub(crate) fn lseek(&self, node: u64, handle: u64, offset: u64, hole: bool) -> Result<u64, Errno> {
        if self.refused().is(Opcode::Lseek) {
            return Err(Errno::ENOSYS);
        }
        let body = LseekIn { fh: handle, offset, whence: if hole { HOLE } else { DATA }, padding: 0 };
        let answer = self.ask(Opcode::Lseek, node, &[body.as_bytes()], Shape::of::<LseekOut>());
        let found: LseekOut = structure(&self.known(Opcode::Lseek, answer, Errno::ENOSYS)?)?;
        Ok(found.offset)
    }
}

//! COPY_FILE_RANGE: copy_file_range(2) between two files of one server.

use abi::Errno;
use zerocopy::IntoBytes;

use super::structure;
use crate::connection::{Connection, Shape};
use crate::wire::{CopyFileRangeIn, Opcode, WriteOut};

impl Connection {
    /// Has the server copy. Returns how much.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if it cannot, and as [`Connection::ask`].
    pub(crate) fn copy_file_range(&self, node: u64, what: &CopyFileRangeIn) -> Result<usize, Errno> {
        if self.refused().is(Opcode::CopyFileRange) {
            return Err(Errno::EOPNOTSUPP);
        }
        let answer = self.ask(Opcode::CopyFileRange, node, &[what.as_bytes()], Shape::of::<WriteOut>());
        let told: WriteOut = structure(&self.known(Opcode::CopyFileRange, answer, Errno::EOPNOTSUPP)?)?;
        if u64::from(told.size) > what.len {
            Err(Errno::EIO)
        } else {
            usize::try_from(told.size).map_err(|_| Errno::EIO)
        }
    }
}

//! COPY_FILE_RANGE and COPY_FILE_RANGE_64: copy_file_range(2) between two files of one server.

use abi::Errno;
use zerocopy::IntoBytes;

use super::structure;
use crate::connection::{Connection, Shape};
use crate::wire::{CopyFileRangeIn, CopyFileRangeOut, Opcode, WriteOut};

/// Bytes that COPY_FILE_RANGE is about at most: its answer counts in 32 bits.
const MOST: u64 = 0xffff_f000;

impl Connection {
    /// Has the server copy. Returns how much. One that does not know the newer request is asked by the older.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if it cannot, and as [`Connection::ask`].
    pub(crate) fn copy_file_range(&self, node: u64, what: &CopyFileRangeIn) -> Result<usize, Errno> {
        let refused = self.refused();
        if refused.is(Opcode::CopyFileRange) {
            return Err(Errno::EOPNOTSUPP);
        }
        if !refused.is(Opcode::CopyFileRange64) {
            let shape = Shape::of::<CopyFileRangeOut>();
            match self.ask(Opcode::CopyFileRange64, node, &[what.as_bytes()], shape) {
                Err(Errno::ENOSYS) => refused.note(Opcode::CopyFileRange64),
                answer => return copied(structure::<CopyFileRangeOut>(&answer?)?.bytes_copied, what.len),
            }
        }
        let what = CopyFileRangeIn { len: what.len.min(MOST), ..*what };
        let answer = self.ask(Opcode::CopyFileRange, node, &[what.as_bytes()], Shape::of::<WriteOut>());
        let told: WriteOut = structure(&self.known(Opcode::CopyFileRange, answer, Errno::EOPNOTSUPP)?)?;
        copied(told.size.into(), what.len)
    }
}

/// How much was copied: no more than was asked for.
///
/// # Errors
/// `EIO`.
fn copied(told: u64, asked: u64) -> Result<usize, Errno> {
    if told > asked { Err(Errno::EIO) } else { usize::try_from(told).map_err(|_| Errno::EIO) }
}

//! WRITE: the content of a file.

use abi::Errno;
use zerocopy::IntoBytes;

use super::structure;
use crate::connection::{Connection, Shape};
use crate::wire::{Opcode, WriteIn, WriteOut};

impl Connection {
    /// Writes content. Returns how much.
    ///
    /// # Errors
    /// `EIO` if the server says that it wrote more than it got, and as [`Connection::ask`].
    pub(crate) fn write(&self, node: u64, what: &WriteIn, data: &[u8]) -> Result<usize, Errno> {
        let reply = self.ask(Opcode::Write, node, &[what.as_bytes(), data], Shape::of::<WriteOut>())?;
        let written: WriteOut = structure(&reply)?;
        usize::try_from(written.size).ok().filter(|size| *size <= data.len()).ok_or(Errno::EIO)
    }
}

//! STATX: what statx(2) reports, with the time of birth.

use abi::Errno;
use abi::file::{STATX_BASIC_STATS, STATX_BTIME};
use zerocopy::IntoBytes;

use super::structure;
use crate::connection::{Connection, Shape};
use crate::wire::{Opcode, StatxIn, StatxOut};

impl Connection {
    /// The attributes of a file. `ENOSYS`, once and for all, from servers that do not know.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn statx(&self, node: u64) -> Result<StatxOut, Errno> {
        let body = StatxIn { sx_mask: STATX_BASIC_STATS | STATX_BTIME, ..StatxIn::default() };
        let answer = self.ask(Opcode::Statx, node, &[body.as_bytes()], Shape::of::<StatxOut>());
        structure(&self.known(Opcode::Statx, answer, Errno::ENOSYS)?)
    }
}

//! STATFS: statfs(2).

use abi::Errno;

use super::structure;
use crate::connection::{Connection, Shape};
use crate::wire::{Opcode, Statfs};

impl Connection {
    /// What the filesystem holds.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn statfs(&self, node: u64) -> Result<Statfs, Errno> {
        structure(&self.ask(Opcode::Statfs, node, &[], Shape::of::<Statfs>())?)
    }
}

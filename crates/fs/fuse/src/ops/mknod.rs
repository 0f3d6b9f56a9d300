//! MKNOD: mknod(2), and creat(2) for servers without CREATE.

use abi::Errno;
use zerocopy::IntoBytes;

use super::making::Parent;
use super::{NUL, structure};
use crate::connection::{Connection, Shape};
use crate::wire::{EntryOut, MknodIn, Opcode};

impl Connection {
    /// Makes a file of the type that the mode says.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn mknod(&self, parent: Parent, name: &[u8], what: MknodIn) -> Result<EntryOut, Errno> {
        let parts = [what.as_bytes(), name, NUL];
        structure(&self.ask_to_make(Opcode::Mknod, parent, &parts, Shape::of::<EntryOut>())?)
    }
}

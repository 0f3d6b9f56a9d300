//! MKDIR: mkdir(2).

use abi::Errno;
use zerocopy::IntoBytes;

use super::making::Parent;
use super::{NUL, structure};
use crate::connection::{Connection, Shape};
use crate::wire::{EntryOut, MkdirIn, Opcode};

impl Connection {
    /// Makes a directory.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn mkdir(
        &self,
        parent: Parent,
        name: &[u8],
        mode: u32,
        umask: u32,
    ) -> Result<EntryOut, Errno> {
        let body = MkdirIn { mode, umask };
        let parts = [body.as_bytes(), name, NUL];
        structure(&self.ask_to_make(Opcode::Mkdir, parent, &parts, Shape::of::<EntryOut>())?)
    }
}

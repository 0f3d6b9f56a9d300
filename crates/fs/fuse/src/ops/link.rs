//! LINK: link(2).

use abi::Errno;
use zerocopy::IntoBytes;

use super::{NUL, structure};
use crate::connection::{Connection, Shape};
use crate::wire::{EntryOut, LinkIn, Opcode};

impl Connection {
    /// Gives a file another name.
    ///
    /// # Errors
    /// `EPERM` if the server knows no links, and as [`Connection::ask`].
    pub(crate) fn link(&self, node: u64, parent: u64, name: &[u8]) -> Result<EntryOut, Errno> {
        if self.refused().is(Opcode::Link) {
            return Err(Errno::EPERM);
        }
        let body = LinkIn { oldnodeid: node };
        let parts = [body.as_bytes(), name, NUL];
        let answer = self.ask(Opcode::Link, parent, &parts, Shape::of::<EntryOut>());
        structure(&self.known(Opcode::Link, answer, Errno::EPERM)?)
    }
}

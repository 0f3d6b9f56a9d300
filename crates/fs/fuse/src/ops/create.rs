//! CREATE and TMPFILE: making a file and opening it at once.

use abi::Errno;
use zerocopy::IntoBytes;

use super::making::Parent;
use super::{NUL, structure};
use crate::connection::{Connection, Shape};
use crate::wire::{CreateIn, EntryOut, Opcode, OpenOut};

impl Connection {
    /// Makes a file of this name and opens it. `ENOSYS`, once and for all, from servers that want MKNOD and OPEN instead.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn create(
        &self,
        parent: Parent,
        name: &[u8],
        how: &CreateIn,
    ) -> Result<(EntryOut, OpenOut), Errno> {
        let how = CreateIn { open_flags: self.open_flags(how.flags), ..*how };
        self.made(Opcode::Create, parent, &[how.as_bytes(), name, NUL], Errno::ENOSYS)
    }

    /// Makes a file without a name and opens it.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if the server cannot, and as [`Connection::ask`].
    pub(crate) fn tmpfile(&self, parent: Parent, how: &CreateIn) -> Result<(EntryOut, OpenOut), Errno> {
        self.made(Opcode::Tmpfile, parent, &[how.as_bytes(), b"/", NUL], Errno::EOPNOTSUPP)
    }

    fn made(
        &self,
        opcode: Opcode,
        parent: Parent,
        parts: &[&[u8]],
        unknown: Errno,
    ) -> Result<(EntryOut, OpenOut), Errno> {
        if self.refused().is(opcode) {
            return Err(unknown);
        }
        let shape = Shape::Exactly(size_of::<EntryOut>() + size_of::<OpenOut>());
        let answer = self.known(opcode, self.ask_to_make(opcode, parent, parts, shape), unknown)?;
        let (entry, open) = answer.split_at_checked(size_of::<EntryOut>()).ok_or(Errno::EIO)?;
        Ok((structure(entry)?, structure(open)?))
    }
}

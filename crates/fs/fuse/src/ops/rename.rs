//! RENAME and RENAME2: renameat2(2).

use abi::Errno;
use zerocopy::IntoBytes;

use super::NUL;
use crate::connection::{Connection, Shape};
use crate::wire::{Opcode, Rename2In, RenameIn};

impl Connection {
    /// Moves a name. Servers hear of flags only if there are any.
    ///
    /// # Errors
    /// `EINVAL` for flags that the server does not know, and as [`Connection::ask`].
    pub(crate) fn rename(
        &self,
        (parent, name): (u64, &[u8]),
        (new_parent, new_name): (u64, &[u8]),
        flags: u32,
    ) -> Result<(), Errno> {
        if flags == 0 {
            let body = RenameIn { newdir: new_parent };
            let parts = [body.as_bytes(), name, NUL, new_name, NUL];
            return self.ask(Opcode::Rename, parent, &parts, Shape::Exactly(0)).map(drop);
        }
        if self.refused().is(Opcode::Rename2) || !self.settings().renames_with_flags() {
            return Err(Errno::EINVAL);
        }
        let body = Rename2In { newdir: new_parent, flags, padding: 0 };
        let parts = [body.as_bytes(), name, NUL, new_name, NUL];
        self.known(
            Opcode::Rename2,
            self.ask(Opcode::Rename2, parent, &parts, Shape::Exactly(0)),
            Errno::EINVAL,
        )
        .map(drop)
    }
}

//! LISTXATTR: listxattr(2).

use abi::Errno;
use zerocopy::IntoBytes;

use crate::connection::{Connection, Shape};
use crate::wire::{GetxattrIn, Opcode};

/// The longest list (`XATTR_LIST_MAX`).
const LONGEST: u32 = 65_536;

impl Connection {
    /// The names of all extended attributes.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if the server knows none, `EIO` for a list with an empty name or without its end, and as [`Connection::ask`].
    pub(crate) fn listxattr(&self, node: u64) -> Result<Vec<Vec<u8>>, Errno> {
        if self.refused().is(Opcode::Listxattr) {
            return Err(Errno::EOPNOTSUPP);
        }
        let body = GetxattrIn { size: LONGEST, padding: 0 };
        let shape = Shape::UpTo(usize::try_from(LONGEST).unwrap_or(usize::MAX));
        let answer = self.ask(Opcode::Listxattr, node, &[body.as_bytes()], shape);
        let mut list = self.known(Opcode::Listxattr, answer, Errno::EOPNOTSUPP)?;
        match list.pop() {
            None => return Ok(Vec::new()),
            Some(0) => {}
            Some(_) => return Err(Errno::EIO),
        }
        let names: Vec<Vec<u8>> = list.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
        if names.iter().any(Vec::is_empty) { Err(Errno::EIO) } else { Ok(names) }
    }
}

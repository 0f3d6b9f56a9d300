//! GETXATTR: getxattr(2).

use abi::Errno;
use zerocopy::IntoBytes;

use super::NUL;
use crate::connection::{Connection, Shape};
use crate::wire::{GetxattrIn, Opcode};

/// The longest value (`XATTR_SIZE_MAX`).
const LONGEST: u32 = 65_536;

impl Connection {
    /// The value of an extended attribute.
    ///
    /// # Errors
    /// `ENODATA`, `EOPNOTSUPP` if the server knows none, and as [`Connection::ask`].
    pub(crate) fn getxattr(&self, node: u64, name: &[u8]) -> Result<Vec<u8>, Errno> {
        if self.refused().is(Opcode::Getxattr) {
            return Err(Errno::EOPNOTSUPP);
        }
        let body = GetxattrIn { size: LONGEST, padding: 0 };
        let shape = Shape::UpTo(usize::try_from(LONGEST).unwrap_or(usize::MAX));
        let answer = self.ask(Opcode::Getxattr, node, &[body.as_bytes(), name, NUL], shape);
        self.known(Opcode::Getxattr, answer, Errno::EOPNOTSUPP)
    }
}

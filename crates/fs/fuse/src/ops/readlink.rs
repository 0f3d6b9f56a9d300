//! READLINK: where a symbolic link leads.

use abi::Errno;

use crate::connection::{Connection, Shape};
use crate::wire::Opcode;

/// The longest target: a page, with a zero byte behind it.
const LONGEST: usize = 4095;

impl Connection {
    /// The target. What comes behind a zero byte in it does not belong to it.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn readlink(&self, node: u64) -> Result<Vec<u8>, Errno> {
        let mut target = self.ask(Opcode::Readlink, node, &[], Shape::UpTo(LONGEST))?;
        if let Some(end) = target.iter().position(|byte| *byte == 0) {
            target.truncate(end);
        }
        Ok(target)
    }
}

//! SETXATTR: setxattr(2).

use abi::Errno;
use zerocopy::IntoBytes;

use super::NUL;
use crate::connection::{Connection, Shape};
use crate::wire::{InitFlags, Opcode, SETXATTR_SHORT, SetxattrIn};

/// `XATTR_CREATE`.
const CREATE: u32 = 1;
/// `XATTR_REPLACE`.
const REPLACE: u32 = 2;
/// `FUSE_SETXATTR_ACL_KILL_SGID`: with an access control list, whose setter may not keep the bit.
const KILL_SET_GROUP_ID: u32 = 1;

impl Connection {
    /// Sets an extended attribute.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if the server knows none, `E2BIG` if its buffer has no room for the value, and as [`Connection::ask`].
    pub(crate) fn setxattr(
        &self,
        node: u64,
        name: &[u8],
        value: &[u8],
        (create, replace): (bool, bool),
        kills_set_group_id: bool,
    ) -> Result<(), Errno> {
        if self.refused().is(Opcode::Setxattr) {
            return Err(Errno::EOPNOTSUPP);
        }
        let body = SetxattrIn {
            size: u32::try_from(value.len()).map_err(|_| Errno::E2BIG)?,
            flags: if create { CREATE } else { 0 } | if replace { REPLACE } else { 0 },
            setxattr_flags: if kills_set_group_id { KILL_SET_GROUP_ID } else { 0 },
            padding: 0,
        };
        let length = if self.has(InitFlags::SETXATTR_EXT) { size_of::<SetxattrIn>() } else { SETXATTR_SHORT };
        let head = body.as_bytes().get(..length).unwrap_or_default();
        let answer = self.ask(Opcode::Setxattr, node, &[head, name, NUL, value], Shape::Exactly(0));
        self.known(Opcode::Setxattr, answer, Errno::EOPNOTSUPP).map(drop)
    }
}

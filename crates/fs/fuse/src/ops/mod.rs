//! The requests, one file for each kind: what is sent, what comes back, and what it means that a server does not know it.
//!
//! None of them looks at what is cached; that is the files' and directories' business.

mod access;
mod copy_file_range;
mod create;
mod fallocate;
mod flush;
mod fsync;
mod getattr;
mod getxattr;
mod ioctl;
mod link;
mod listxattr;
mod lock;
mod lookup;
mod lseek;
pub(crate) mod making;
mod mkdir;
mod mknod;
pub(crate) mod open;
mod poll;
mod read;
mod readdir;
mod readlink;
mod release;
mod removexattr;
mod rename;
mod rmdir;
mod setattr;
mod setxattr;
mod statfs;
mod statx;
mod symlink;
mod unlink;
mod write;

use abi::Errno;
use zerocopy::FromBytes;

use crate::connection::Connection;
use crate::wire::Opcode;

/// What ends a name.
const NUL: &[u8] = &[0];

/// The structure that an answer is.
fn structure<T: FromBytes>(bytes: &[u8]) -> Result<T, Errno> {
    T::read_from_bytes(bytes).map_err(|_| Errno::EIO)
}

impl Connection {
    /// An answer; if it is that the request is not known, that is noted and `unknown` returned.
    fn known(
        &self,
        opcode: Opcode,
        answer: Result<Vec<u8>, Errno>,
        unknown: Errno,
    ) -> Result<Vec<u8>, Errno> {
        answer.map_err(|error| match error {
            Errno::ENOSYS => {
                self.refused().note(opcode);
                unknown
            }
            other => other,
        })
    }
}

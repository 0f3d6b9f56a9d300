//! GETLK, SETLK, SETLKW: fcntl(2) and flock(2), where locks are the server's business.

use abi::Errno;
use zerocopy::IntoBytes;

use super::structure;
use crate::connection::{Connection, Shape};
use crate::wire::{LkIn, LkOut, Opcode};

impl Connection {
    /// The lock that stands against one.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn getlk(&self, node: u64, what: &LkIn) -> Result<LkOut, Errno> {
        structure(&self.ask(Opcode::Getlk, node, &[what.as_bytes()], Shape::of::<LkOut>())?)
    }

    /// Takes or releases a lock, whenever that may be possible if it `waits`. A signal ends the wait, if the server heeds it.
    ///
    /// # Errors
    /// `EAGAIN` if another stands against it, `ERESTARTSYS` after a signal, and as [`Connection::ask`].
    pub(crate) fn setlk(&self, node: u64, what: &LkIn, waits: bool) -> Result<(), Errno> {
        let opcode = if waits { Opcode::Setlkw } else { Opcode::Setlk };
        match self.ask(opcode, node, &[what.as_bytes()], Shape::Exactly(0)) {
            // As Linux has it, a wait for a lock begins anew after a signal.
            Err(Errno::EINTR) => Err(Errno::ERESTARTSYS),
            answer => answer.map(drop),
        }
    }
}

//! FSYNC and FSYNCDIR: fsync(2), fdatasync(2).

use abi::Errno;
use zerocopy::IntoBytes;

use crate::connection::{Connection, Shape};
use crate::wire::{FsyncIn, Opcode};

/// `FUSE_FSYNC_FDATASYNC`: the content only.
const DATA: u32 = 1;

impl Connection {
    /// Has the server store what it keeps in memory. One that does not know the request has nothing to do.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn fsync(
        &self,
        node: u64,
        handle: u64,
        data_only: bool,
        directory: bool,
    ) -> Result<(), Errno> {
        let opcode = if directory { Opcode::Fsyncdir } else { Opcode::Fsync };
        if self.refused().is(opcode) {
            return Ok(());
        }
        let body = FsyncIn { fh: handle, fsync_flags: if data_only { DATA } else { 0 }, padding: 0 };
        match self.ask(opcode, node, &[body.as_bytes()], Shape::Exactly(0)) {
            Err(Errno::ENOSYS) => {
                self.refused().note(opcode);
                Ok(())
            }
            answer => answer.map(drop),
        }
    }
}

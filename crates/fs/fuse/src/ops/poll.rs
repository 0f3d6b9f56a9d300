//! POLL: what a file is ready for.

use abi::Errno;
use zerocopy::IntoBytes;

use super::structure;
use crate::connection::{Connection, Shape};
use crate::wire::{Opcode, PollIn, PollOut};

/// `FUSE_POLL_SCHEDULE_NOTIFY`: the server shall tell when that changes.
const NOTIFY: u32 = 1;

impl Connection {
    /// What a file is ready for. `ENOSYS`, once and for all, from servers whose files always are.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(crate) fn poll(
        &self,
        node: u64,
        handle: u64,
        known: u64,
        events: u32,
        notify: bool,
    ) -> Result<u32, Errno> {
        let flags = if notify { NOTIFY } else { 0 };
        let body = PollIn { fh: handle, kh: known, flags, events };
        let answer = self.ask(Opcode::Poll, node, &[body.as_bytes()], Shape::of::<PollOut>());
        let told: PollOut = structure(&self.known(Opcode::Poll, answer, Errno::ENOSYS)?)?;
        Ok(told.revents)
    }
}

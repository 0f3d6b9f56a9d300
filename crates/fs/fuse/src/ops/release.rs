//! RELEASE and RELEASEDIR: the last descriptor of an open file is closed. Nobody waits for the answer.

use zerocopy::IntoBytes;

use crate::connection::{Asker, Connection, Question, Shape};
use crate::wire::{Opcode, ReleaseIn};

/// `FUSE_RELEASE_FLOCK_UNLOCK`: the file's flock(2) lock goes with it.
const UNLOCK: u32 = 2;

impl Connection {
    /// Gives an open file up.
    pub(crate) fn release(&self, node: u64, handle: u64, flags: u32, directory: bool, unlock: Option<u64>) {
        let body = ReleaseIn {
            fh: handle,
            flags,
            release_flags: if unlock.is_some() { UNLOCK } else { 0 },
            lock_owner: unlock.unwrap_or(0),
        };
        let question = Question {
            opcode: if directory { Opcode::Releasedir } else { Opcode::Release },
            node,
            asker: Asker::default(),
            body: body.as_bytes().to_vec(),
            shape: Shape::Exactly(0),
        };
        self.post(question, None);
    }
}

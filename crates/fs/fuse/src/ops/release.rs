//! RELEASE and RELEASEDIR: the last descriptor of an open file is closed. Nobody waits for the answer.

use abi::Errno;
use zerocopy::IntoBytes;

use crate::connection::{Answered, Asker, Connection, Question, Shape};
use crate::wire::{Opcode, ReleaseIn};

/// `FUSE_RELEASE_FLOCK_UNLOCK`: the file's flock(2) lock goes with it.
const UNLOCK: u32 = 2;

/// Keeps something until the server has answered: a file that it still has to close must not be forgotten before.
struct Until<T>(T);

impl<T: Send + Sync> Answered for Until<T> {
    fn answered(self: Box<Self>, _: Result<Vec<u8>, Errno>) {}
}

impl Connection {
    /// Gives an open file up. `holds` is let go when the server has closed it.
    pub(crate) fn release<T: Send + Sync + 'static>(
        &self,
        node: u64,
        (handle, flags): (u64, u32),
        directory: bool,
        unlock: Option<u64>,
        holds: T,
    ) {
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
            extension: 0,
        };
        self.post(question, Some(Box::new(Until(holds))));
    }
}

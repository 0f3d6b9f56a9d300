//! What only the cache has is sent to the server: some pieces at a time, the next whenever one is answered.

use std::sync::Arc;

use abi::Errno;
use vfs::Events;
use vfs::waiting::{self, Patience};
use zerocopy::{FromBytes, IntoBytes};

use super::content::Due;
use super::told::Told;
use crate::connection::{Answered, Asker, Question, Shape};
use crate::node::Node;
use crate::wire::{Opcode, WriteIn, WriteOut};

/// `FUSE_WRITE_CACHE`: from the cache, on nobody's behalf.
const FROM_CACHE: u32 = 1;
/// Pieces of one file that are under way at a time.
const AT_A_TIME: usize = 4;

/// A piece that is under way.
struct Sent {
    through: Arc<Told>,
    due: Due,
}

impl Answered for Sent {
    fn answered(self: Box<Self>, answer: Result<Vec<u8>, Errno>) {
        let node = &self.through.node;
        let written = answer.and_then(|body| WriteOut::read_from_bytes(&body).map_err(|_| Errno::EIO));
        let failed = match written {
            Ok(written) if usize::try_from(written.size) == Ok(self.due.data.len()) => None,
            Ok(_) => Some(Errno::EIO),
            Err(error) => Some(error),
        };
        // With the end of the connection nothing is sent any more; what is left fails when somebody asks for it.
        let from = if node.shared.connection.is_connected() { self.due.behind() } else { u64::MAX };
        let next = node.next_due(Some((&self.due, failed)), from);
        let through = Arc::clone(&self.through);
        match next {
            Some(due) => Self { through, due }.send(),
            None => through.node.landed.notify(Events::all()),
        }
    }
}

impl Sent {
    fn send(self) {
        let (through, due) = (&self.through, &self.due);
        let what = WriteIn {
            fh: through.number,
            offset: due.offset,
            size: u32::try_from(due.data.len()).unwrap_or(u32::MAX),
            write_flags: FROM_CACHE,
            lock_owner: 0,
            flags: through.open_flags(),
            padding: 0,
        };
        let question = Question {
            opcode: Opcode::Write,
            node: through.node.id,
            asker: Asker::default(),
            body: [what.as_bytes(), &due.data].concat(),
            shape: Shape::of::<WriteOut>(),
            extension: 0,
        };
        let connection = Arc::clone(&through.node.shared);
        connection.connection.post(question, Some(Box::new(self)));
    }
}

impl Node {
    fn next_due(&self, landed: Option<(&Due, Option<Errno>)>, from: u64) -> Option<Due> {
        let most = usize::try_from(self.shared.connection.settings().max_write).unwrap_or(usize::MAX);
        let landed = landed.map(|(due, failed)| due.landed(failed));
        self.content.next_due(landed.as_ref(), from, self.size(), most)
    }

    /// Sends what only the cache has, through an open file, without waiting for the answers.
    pub(super) fn send_changes(&self, through: &Arc<Told>) {
        let mut from = 0;
        for _ in 0..AT_A_TIME {
            let Some(due) = self.next_due(None, from) else { return };
            from = due.behind();
            if !self.keeps_size() {
                self.attributes_outdated();
            }
            Sent { through: Arc::clone(through), due }.send();
        }
    }

    /// Has the server write what only the cache has: what guests have changed in shared mappings, and with a write-back cache what they wrote,
    /// and the times. Who is about to end does not wait for it.
    ///
    /// # Errors
    /// The server's, also for what was sent before; `EINTR` for a caller that is killed.
    pub(crate) fn write_back(&self) -> Result<(), Errno> {
        let leaving = waiting::identity().is_some_and(|identity| identity.leaving);
        // What was under way already and has changed since goes in the second round.
        for _ in 0..2 {
            if !self.content.is_dirty() {
                break;
            }
            let Some(handle) = self.any_handle(true) else { break };
            self.send_changes(&handle.told);
            if leaving {
                return Ok(());
            }
            let landed = waiting::until(&self.landed, Patience::Killable, || self.content.has_landed());
            landed.map_err(|error| if error == Errno::ERESTARTSYS { Errno::EINTR } else { error })?;
        }
        self.send_times()?;
        self.content.take_failure()
    }

    /// The same in its own time: a piece may be under way for long.
    pub(crate) fn write_back_later(&self) {
        if let Some(handle) = self.any_handle(true) {
            self.send_changes(&handle.told);
        }
    }
}

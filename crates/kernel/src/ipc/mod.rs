//! What an IPC namespace has: System V IPC (sysvipc(7)) and POSIX message queues. Objects have an id, perhaps a key, an owner and a mode, and live until they are removed.

pub mod messages;
pub mod semaphores;
pub mod shared_memory;
mod table;

use std::time::{SystemTime, UNIX_EPOCH};

pub use messages::{Message, Queue, Wanted};
pub use semaphores::{Operation, Set};
pub use shared_memory::{Attachment, Attachments, Segment};
pub use table::{Entry, Ownership, Table};

/// The IPC namespace of a sandbox.
#[derive(Default)]
pub struct Ipc {
    /// Shared memory.
    pub segments: Table<Segment>,
    /// Semaphores.
    pub sets: Table<Set>,
    /// Messages.
    pub queues: Table<Queue>,
    /// POSIX message queues.
    pub posix: mqueue::Mqueues,
}

impl Ipc {
    /// A process has ended: what it asked to be undone is.
    pub(crate) fn process_ended(&self, pid: i32) {
        for set in self.sets.all() {
            set.object.undo(pid);
        }
    }
}

/// Seconds since 1970, as the structures have them.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

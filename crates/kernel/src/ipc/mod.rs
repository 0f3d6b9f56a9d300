//! What an IPC namespace has: System V IPC (sysvipc(7)) and POSIX message queues. Objects have an id, perhaps a key, an owner and a mode, and live until they are removed.

mod limits;
pub mod messages;
pub mod semaphores;
pub mod shared_memory;
mod table;
mod undo;

use std::sync::{Arc, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use abi::Errno;
use parking_lot::Mutex;
use vfs::user::{Charge, Counted};
use vfs::{Credentials, UserNamespace};

pub use limits::{Limit, Limits};
pub use messages::{Message, Queue, Wanted};
pub use semaphores::{Operation, Set};
pub use shared_memory::{Attachment, Attachments, Segment};
pub use table::{Entry, Ownership, Table};
pub use undo::UndoList;

/// An IPC namespace: ipc_namespaces(7).
pub struct Ipc {
    /// Unique among the namespaces, 1 for the first.
    pub id: u64,
    /// How much there may be.
    pub limits: Limits,
    /// Whose it is.
    pub user: Arc<UserNamespace>,
    _charge: Option<Charge>,
    /// Shared memory.
    pub segments: Table<Segment>,
    /// Semaphores.
    pub sets: Table<Set>,
    /// Messages.
    pub queues: Table<Queue>,
    /// POSIX message queues.
    pub posix: mqueue::Mqueues,
}

/// The IPC namespaces of a sandbox.
#[derive(Default)]
pub struct IpcNamespaces {
    all: Mutex<Vec<Weak<Ipc>>>,
}

impl IpcNamespaces {
    /// An empty namespace, which belongs to its maker's user namespace.
    ///
    /// # Errors
    /// `ENOSPC` if the maker has too many of them.
    pub fn make(&self, id: u64, maker: &Credentials) -> Result<Arc<Ipc>, Errno> {
        self.all.lock().retain(|namespace| namespace.strong_count() > 0);
        let charge = Charge::take(&maker.user, maker.euid, Counted::Ipc)?;
        Ok(self.add(id, Arc::clone(&maker.user), Some(charge)))
    }

    /// The first namespace.
    pub(crate) fn first(&self) -> Arc<Ipc> {
        self.add(1, UserNamespace::initial(), None)
    }

    fn add(&self, id: u64, user: Arc<UserNamespace>, charge: Option<Charge>) -> Arc<Ipc> {
        let new = Arc::new(Ipc {
            id,
            limits: Limits::default(),
            segments: Table::new(&user),
            sets: Table::new(&user),
            queues: Table::new(&user),
            posix: mqueue::Mqueues::new(&user),
            user,
            _charge: charge,
        });
        self.all.lock().push(Arc::downgrade(&new));
        new
    }

    /// Undoes what stands in a list, in every namespace, for a process.
    pub(crate) fn undo(&self, list: u64, pid: i32) {
        let all: Vec<_> = self.all.lock().iter().filter_map(Weak::upgrade).collect();
        for set in all.iter().flat_map(|namespace| namespace.sets.all()) {
            set.object.undo(list, pid);
        }
    }
}

/// Seconds since 1970, as the structures have them.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

//! Advisory locks: fcntl(2) record locks of processes and of descriptions, and flock(2).
//!
//! Locks belong to the file, whatever name or inode object it was opened through, so they are kept here by device and
//! inode number. Nothing waits here: who finds a lock taken registers with [`Waiting::queue`] and tries again when told.

mod ranges;
mod table;

use std::sync::LazyLock;
use std::sync::atomic::Ordering;

use abi::Errno;

pub use ranges::RecordLock;
pub use table::{LockTable, Waiting};

use crate::{Device, OpenFile};

/// Whose lock it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockOwner {
    /// A process: the id of its descriptor table.
    Process(u64),
    /// An open file description: its id.
    Description(u64),
}

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LockKey {
    /// Of its filesystem.
    pub device: Device,
    /// Its number there.
    pub inode: u64,
}

impl LockKey {
    /// The key of an open file.
    ///
    /// # Errors
    /// As its attributes.
    pub fn of(file: &OpenFile) -> Result<Self, Errno> {
        let device = file.inode().map_or_else(|| file.file.device(), |inode| inode.filesystem().device());
        Ok(Self { device, inode: file.attributes()?.inode })
    }
}

/// What is asked of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockAction {
    /// What stands against it: `F_GETLK`.
    Test,
    /// To have it now, or not: `F_SETLK`, `LOCK_NB`.
    Try,
    /// To have it, whenever that may be: `F_SETLKW`.
    Wait,
    /// To have it no longer: `F_UNLCK`, `LOCK_UN`.
    Release,
}

/// A lock as a file's server is asked for it: [`crate::File::lock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockRequest {
    /// What is asked.
    pub action: LockAction,
    /// The lock.
    pub lock: RecordLock,
    /// Whether it is one of flock(2), on the whole file.
    pub whole: bool,
}

static LOCKS: LazyLock<LockTable> = LazyLock::new(LockTable::default);

/// The locks of the sandbox.
#[must_use]
pub fn locks() -> &'static LockTable {
    &LOCKS
}

/// A process closes a descriptor: all its record locks on the file go, whichever descriptor they were made through.
pub fn release_process(file: &OpenFile, owner: u64) {
    if LOCKS.is_empty() {
        return;
    }
    if let Ok(key) = LockKey::of(file) {
        LOCKS.clear(key, LockOwner::Process(owner), 0, u64::MAX);
    }
}

/// A description ends.
pub(crate) fn release_description(file: &OpenFile) {
    LOCKS.clear_description(file.id);
}

/// A description is about to take a lock of its own, which its end must release.
pub fn note_description(file: &OpenFile) {
    file.locked.store(true, Ordering::Release);
}

//! Locks that are the server's business.

use abi::Errno;
use vfs::locks::{LockAction, LockOwner, LockRequest, RecordLock};

use super::handle::Handle;
use crate::wire::{FileLock, LkIn};

/// `F_RDLCK`.
const READ: u32 = 0;
/// `F_WRLCK`.
const WRITE: u32 = 1;
/// `F_UNLCK`.
const NONE: u32 = 2;
/// `FUSE_LK_FLOCK`: a lock of flock(2).
const WHOLE: u32 = 1;
/// The last byte of any file.
const END: u64 = i64::MAX.cast_unsigned();

const fn number(owner: LockOwner) -> u64 {
    match owner {
        LockOwner::Process(id) => id,
        // Apart from the ids of processes.
        LockOwner::Description(id) => id | 1 << 63,
    }
}

impl Handle {
    /// See [`vfs::File::lock`].
    pub(super) fn lock(&self, request: &LockRequest) -> Option<Result<Option<RecordLock>, Errno>> {
        if !self.node.shared.connection.settings().locks(request.whole) {
            return None;
        }
        Some(self.node.good().and_then(|()| self.lock_at_server(request)))
    }

    fn lock_at_server(&self, request: &LockRequest) -> Result<Option<RecordLock>, Errno> {
        let (connection, lock) = (&self.node.shared.connection, &request.lock);
        let owner = number(lock.owner);
        let kind = match (request.action, lock.exclusive) {
            (LockAction::Release, _) => NONE,
            (_, true) => WRITE,
            (_, false) => READ,
        };
        let pid = if request.action == LockAction::Release { 0 } else { lock.pid.cast_unsigned() };
        let what = LkIn {
            fh: self.number(),
            owner,
            lk: FileLock { start: lock.start, end: lock.end.min(END), kind, pid },
            lk_flags: if request.whole { WHOLE } else { 0 },
            padding: 0,
        };
        if request.action == LockAction::Test {
            return found(connection.getlk(self.node.id, &what)?.lk, lock);
        }
        // As Linux has it: giving up a lock of flock(2) is said as if it could take long.
        let waits =
            request.action == LockAction::Wait || request.whole && request.action == LockAction::Release;
        connection.setlk(self.node.id, &what, waits)?;
        if request.whole {
            self.note_lock((request.action != LockAction::Release).then_some(owner));
        }
        Ok(None)
    }
}

/// What a server says to stand against a lock.
///
/// # Errors
/// `EIO` for a lock that there cannot be.
fn found(told: FileLock, wanted: &RecordLock) -> Result<Option<RecordLock>, Errno> {
    let exclusive = match told.kind {
        NONE => return Ok(None),
        READ => false,
        WRITE => true,
        _ => return Err(Errno::EIO),
    };
    if told.start > told.end || told.end > END {
        return Err(Errno::EIO);
    }
    let end = if told.end == END { u64::MAX } else { told.end };
    let pid = i32::try_from(told.pid).map_err(|_| Errno::EIO)?;
    Ok(Some(RecordLock { exclusive, start: told.start, end, pid, ..*wanted }))
}

//! Advisory locks: fcntl(2) record locks and flock(2).

use std::sync::Arc;

use abi::Errno;
use abi::fcntl::*;
use abi::file::Flock;
use kernel::{Task, UserPtr, wait};
use vfs::locks::{LockAction, LockKey, LockOwner, LockRequest, RecordLock, locks, note_description};
use vfs::{Events, Fd, OpenFile};

use super::descriptor;

const fn is_of_description(command: u32) -> bool {
    matches!(command, F_OFD_GETLK | F_OFD_SETLK | F_OFD_SETLKW)
}

/// Whose lock a command is about.
///
/// # Errors
/// `EINVAL` for one of a description with a process id.
fn owner(task: &Task, file: &OpenFile, command: u32, pid: i32) -> Result<LockOwner, Errno> {
    match (is_of_description(command), pid) {
        (false, _) => Ok(LockOwner::Process(task.files().id)),
        (true, 0) => Ok(LockOwner::Description(file.id)),
        (true, _) => Err(Errno::EINVAL),
    }
}

/// First and last byte of a range. `u64::MAX` is the end of any file.
///
/// # Errors
/// `EINVAL`, `EOVERFLOW`.
fn range(file: &OpenFile, flock: &Flock) -> Result<(u64, u64), Errno> {
    let base = match u32::try_from(flock.whence) {
        Ok(SEEK_SET) => 0,
        Ok(SEEK_CUR) => file.offset(),
        Ok(SEEK_END) => file.attributes()?.size,
        _ => return Err(Errno::EINVAL),
    };
    let base = i64::try_from(base).map_err(|_| Errno::EOVERFLOW)?;
    let start = base.checked_add(flock.start).ok_or(Errno::EOVERFLOW)?;
    let (first, last) = match flock.len {
        0 => (start, None),
        len if len > 0 => (start, Some(start.checked_add(len - 1).ok_or(Errno::EOVERFLOW)?)),
        len => (start.checked_add(len).ok_or(Errno::EINVAL)?, Some(start.saturating_sub(1))),
    };
    let byte = |at: i64| u64::try_from(at).map_err(|_| Errno::EINVAL);
    Ok((byte(first)?, last.map_or(Ok(u64::MAX), byte)?))
}

fn wanted(task: &Task, file: &OpenFile, command: u32, flock: &Flock) -> Result<RecordLock, Errno> {
    let owner = owner(task, file, command, flock.pid)?;
    let (start, end) = range(file, flock)?;
    let exclusive = match flock.kind {
        F_RDLCK | F_UNLCK => false,
        F_WRLCK => true,
        _ => return Err(Errno::EINVAL),
    };
    let pid = if is_of_description(command) { -1 } else { task.pid() };
    Ok(RecordLock { owner, exclusive, start, end, pid })
}

/// `F_GETLK`, `F_OFD_GETLK`.
///
/// # Errors
/// `EINVAL`, `EFAULT`.
pub(crate) fn test(
    task: &Task,
    file: &OpenFile,
    command: u32,
    argument: UserPtr<Flock>,
) -> Result<u64, Errno> {
    let memory = task.memory();
    let mut flock = argument.read(&*memory)?;
    if !matches!(flock.kind, F_RDLCK | F_WRLCK) {
        return Err(Errno::EINVAL);
    }
    let lock = wanted(task, file, command, &flock)?;
    let request = LockRequest { action: LockAction::Test, lock, whole: false };
    let found = match file.file.lock(&request) {
        Some(found) => found?,
        None => locks().test(LockKey::of(file)?, &lock),
    };
    match found {
        None => flock.kind = F_UNLCK,
        Some(held) => {
            flock.kind = if held.exclusive { F_WRLCK } else { F_RDLCK };
            flock.whence = 0;
            flock.start = i64::try_from(held.start).unwrap_or(i64::MAX);
            let length = held.end.saturating_sub(held.start).saturating_add(1);
            flock.len = if held.end == u64::MAX { 0 } else { i64::try_from(length).unwrap_or(0) };
            flock.pid = if held.pid > 0 { task.pids().shown(held.pid) } else { held.pid };
        }
    }
    argument.write(&*memory, &flock)?;
    Ok(0)
}

/// `F_SETLK`, `F_SETLKW` and those for descriptions.
///
/// # Errors
/// `EAGAIN`, `EDEADLK`, `EBADF` if not open for the access that the lock is about, `ENOLCK`, `ERESTARTSYS`.
pub(crate) async fn set(
    task: &Arc<Task>,
    file: &OpenFile,
    command: u32,
    argument: UserPtr<Flock>,
) -> Result<u64, Errno> {
    let flock = argument.read(&*task.memory())?;
    let lock = wanted(task, file, command, &flock)?;
    let key = LockKey::of(file)?;
    let flags = file.flags();
    match flock.kind {
        F_UNLCK => {
            let request = LockRequest { action: LockAction::Release, lock, whole: false };
            if let Some(done) = file.file.lock(&request) {
                return done.map(|_| 0);
            }
            locks().clear(key, lock.owner, lock.start, lock.end);
            return Ok(0);
        }
        F_RDLCK if !flags.reads() => return Err(Errno::EBADF),
        F_WRLCK if !flags.writes() => return Err(Errno::EBADF),
        _ => {}
    }
    if is_of_description(command) {
        note_description(file);
    }
    let action = if matches!(command, F_SETLK | F_OFD_SETLK) { LockAction::Try } else { LockAction::Wait };
    if let Some(done) = file.file.lock(&LockRequest { action, lock, whole: false }) {
        return done.map(|_| 0);
    }
    if matches!(command, F_SETLK | F_OFD_SETLK) {
        locks().set(key, lock)?;
        return Ok(0);
    }
    if let Some(waiting) = locks().set_or_wait(key, lock)? {
        let queue = Arc::clone(&waiting.queue);
        // Kept from try to try: as long as it lives, others see that this process waits.
        let mut waiting = Some(waiting);
        let attempt = || {
            drop(waiting.take());
            waiting = locks().set_or_wait(key, lock)?;
            if waiting.is_some() { Err(Errno::EAGAIN) } else { Ok(()) }
        };
        wait::until(task, &queue, Events::all(), attempt).await?;
    }
    Ok(0)
}

/// A lock of flock(2) on a file whose locks are its server's business.
fn at_server(task: &Task, file: &OpenFile, operation: u32) -> Option<Result<(), Errno>> {
    let (exclusive, release) = match operation & !LOCK_NB {
        LOCK_SH => (false, false),
        LOCK_EX => (true, false),
        LOCK_UN => (false, true),
        _ => return None,
    };
    let action = match (release, operation & LOCK_NB != 0) {
        (true, _) => LockAction::Release,
        (false, true) => LockAction::Try,
        (false, false) => LockAction::Wait,
    };
    let owner = LockOwner::Description(file.id);
    let lock = RecordLock { owner, exclusive, start: 0, end: u64::MAX, pid: task.pid() };
    let done = file.file.lock(&LockRequest { action, lock, whole: true })?;
    Some(done.map(drop))
}

/// flock(2).
///
/// # Errors
/// `EBADF`, `EINVAL`, `EAGAIN` with `LOCK_NB`, `ERESTARTSYS`.
pub async fn flock(task: &Arc<Task>, fd: Fd, operation: u32) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    let key = LockKey::of(&file)?;
    if let Some(done) = at_server(task, &file, operation) {
        return done;
    }
    let exclusive = match operation & !LOCK_NB {
        LOCK_SH => false,
        LOCK_EX => true,
        LOCK_UN => {
            locks().unlock_whole(key, file.id);
            return Ok(());
        }
        _ => return Err(Errno::EINVAL),
    };
    note_description(&file);
    let attempt = || locks().lock_whole(key, file.id, exclusive);
    match attempt() {
        Err(Errno::EAGAIN) if operation & LOCK_NB == 0 => {
            let waiting = locks().wait_whole(key);
            wait::until(task, &waiting.queue, Events::all(), attempt).await
        }
        done => done,
    }
}

//! Locks: as Linux has it, each is had here first, against other processes of the sandbox, and then at the server, against everybody else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::Errno;
use ninep::Text;
use ninep::flags::lock;
use ninep::message::{Tgetlock, Tlock};
use vfs::locks::{LockAction, LockKey, LockOwner, LockRequest, RecordLock, locks};
use vfs::waiting::{self, Patience};
use vfs::{Inode, WaitQueue};

use super::RegularFile;
use crate::client::Fid;

/// `P9_LOCK_FLAGS_BLOCK`: the server may wait before it says no.
const MAY_WAIT: u32 = 1;

/// Whose locks on a file were had through which opening.
pub(crate) struct Held {
    owner: LockOwner,
    /// Its number there.
    number: u32,
    fid: Arc<Fid>,
}

impl RegularFile {
    fn lock_key(&self) -> LockKey {
        LockKey { device: self.node.filesystem().device(), inode: self.node.last_known().inode }
    }

    /// See [`vfs::File::lock`].
    pub(super) fn lock_both(&self, request: &LockRequest) -> Result<Option<RecordLock>, Errno> {
        match request.action {
            LockAction::Test => match locks().test(self.lock_key(), &request.lock) {
                None => self.test_there(&request.lock),
                found => Ok(found),
            },
            LockAction::Release => {
                self.release_here(request);
                self.ask_lock(&request.lock, lock::UNLOCK, 0).map(|_| None)
            }
            LockAction::Try | LockAction::Wait => {
                self.lock_here(request)?;
                self.note(&request.lock);
                let result = self.lock_there(request);
                if result.is_err() {
                    self.release_here(request);
                }
                result.map(|()| None)
            }
        }
    }

    fn lock_here(&self, request: &LockRequest) -> Result<(), Errno> {
        let (key, lock) = (self.lock_key(), request.lock);
        let waits = request.action == LockAction::Wait;
        if let (true, LockOwner::Description(id)) = (request.whole, lock.owner) {
            let attempt = || locks().lock_whole(key, id, lock.exclusive);
            return match attempt() {
                Err(Errno::EAGAIN) if waits => {
                    let waiting = locks().wait_whole(key);
                    let mut result = Ok(());
                    waiting::until(&waiting.queue, Patience::Interruptible, || {
                        result = attempt();
                        result != Err(Errno::EAGAIN)
                    })?;
                    result
                }
                result => result,
            };
        }
        if !waits {
            return locks().set(key, lock);
        }
        let Some(waiting) = locks().set_or_wait(key, lock)? else { return Ok(()) };
        let queue = Arc::clone(&waiting.queue);
        // Kept from try to try: as long as it lives, others see that this process waits.
        let (mut waiting, mut result) = (Some(waiting), Ok(()));
        waiting::until(&queue, Patience::Interruptible, || {
            drop(waiting.take());
            match locks().set_or_wait(key, lock) {
                Ok(again) => waiting = again,
                Err(error) => result = Err(error),
            }
            waiting.is_none()
        })?;
        result
    }

    fn release_here(&self, request: &LockRequest) {
        let lock = &request.lock;
        match (request.whole, lock.owner) {
            (true, LockOwner::Description(id)) => locks().unlock_whole(self.lock_key(), id),
            _ => locks().clear(self.lock_key(), lock.owner, lock.start, lock.end),
        }
    }

    /// As Linux has it: a server that says no is asked again after a while.
    fn lock_there(&self, request: &LockRequest) -> Result<(), Errno> {
        let kind = if request.lock.exclusive { lock::WRITE } else { lock::READ };
        let waits = request.action == LockAction::Wait;
        let pause = Duration::from_secs(self.node.shared.options.lock_timeout.into());
        loop {
            match self.ask_lock(&request.lock, kind, if waits { MAY_WAIT } else { 0 })? {
                lock::SUCCESS => return Ok(()),
                lock::BLOCKED if waits => {
                    let until = Instant::now().checked_add(pause);
                    waiting::until_deadline(&WaitQueue::new(), Patience::Interruptible, until, || false)?;
                }
                lock::BLOCKED => return Err(Errno::EAGAIN),
                _ => return Err(Errno::ENOLCK),
            }
        }
    }

    fn message(&self, fid: &Fid, wanted: &RecordLock, kind: u8, flags: u32) -> Tlock<'_> {
        Tlock {
            fid: fid.number(),
            kind,
            flags,
            start: wanted.start,
            length: length(wanted),
            proc_id: wanted.pid.cast_unsigned(),
            client_id: Text(&self.node.shared.node_name),
        }
    }

    fn ask_lock(&self, wanted: &RecordLock, kind: u8, flags: u32) -> Result<u8, Errno> {
        let request = self.message(&self.fid, wanted, kind, flags);
        self.node.shared.client.call(&request, |reply| reply.status)
    }

    /// What stands against a lock at the server.
    fn test_there(&self, wanted: &RecordLock) -> Result<Option<RecordLock>, Errno> {
        let request = Tgetlock {
            fid: self.fid.number(),
            kind: if wanted.exclusive { lock::WRITE } else { lock::READ },
            start: wanted.start,
            length: length(wanted),
            proc_id: wanted.pid.cast_unsigned(),
            client_id: Text(&self.node.shared.node_name),
        };
        self.node.shared.client.call(&request, |reply| {
            let exclusive = match reply.kind {
                lock::UNLOCK => return Ok(None),
                lock::READ => false,
                lock::WRITE => true,
                _ => return Err(Errno::EIO),
            };
            let end = match reply.length {
                0 => u64::MAX,
                length => reply.start.checked_add(length - 1).ok_or(Errno::EIO)?,
            };
            // A process of another machine shows as a negative number.
            let pid = i32::try_from(reply.proc_id).unwrap_or(1).saturating_neg();
            Ok(Some(RecordLock { owner: wanted.owner, exclusive, start: reply.start, end, pid }))
        })?
    }

    fn note(&self, lock: &RecordLock) {
        let mut held = self.node.held.lock();
        if !held.iter().any(|held| held.owner == lock.owner && Arc::ptr_eq(&held.fid, &self.fid)) {
            let number = lock.pid.cast_unsigned();
            held.push(Held { owner: lock.owner, number, fid: Arc::clone(&self.fid) });
        }
    }

    /// A descriptor is closed: all record locks of its process on the file go, through whichever it had them.
    pub(super) fn release_process(&self) {
        if let Some(identity) = waiting::identity() {
            let owner = LockOwner::Process(identity.files);
            self.give_up(|held| held.owner == owner);
        }
    }

    /// The last descriptor is closed: so go the description's own.
    pub(super) fn release_description(&self) {
        self.give_up(|held| {
            matches!(held.owner, LockOwner::Description(_)) && Arc::ptr_eq(&held.fid, &self.fid)
        });
    }

    /// Nobody waits for the server to say so.
    fn give_up(&self, which: impl Fn(&Held) -> bool) {
        let gone: Vec<Held> = self.node.held.lock().extract_if(.., |held| which(held)).collect();
        for Held { owner, number, fid } in gone {
            let pid = number.cast_signed();
            let all = RecordLock { owner, exclusive: false, start: 0, end: u64::MAX, pid };
            if let LockOwner::Description(id) = owner {
                locks().unlock_whole(self.lock_key(), id);
            }
            locks().clear(self.lock_key(), owner, all.start, all.end);
            self.node.shared.client.tell(&self.message(&fid, &all, lock::UNLOCK, 0));
        }
    }
}

/// Bytes of a lock's range: 0 for one without an end.
const fn length(lock: &RecordLock) -> u64 {
    if lock.end == u64::MAX { 0 } else { lock.end.saturating_sub(lock.start).saturating_add(1) }
}

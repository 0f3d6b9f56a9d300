//! Shared memory: shmget(2), shmat(2), shmdt(2).
//!
//! A segment is a memory file of the host's, mapped shared. Attachments are kept by address space: fork(2) copies them, and they end with
//! the space, at execve(2) and exit(2). What a guest does with munmap(2) alone nobody hears of, so its attachment counts until then.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use abi::Errno;
use host::memory_file::MemoryFile;
use parking_lot::Mutex;

use super::Ipc;
use super::table::Entry;

/// A segment.
pub struct Segment {
    file: MemoryFile,
    /// Bytes that were asked for.
    pub size: u64,
    /// Process that made it.
    pub creator: i32,
    /// Process that attached or detached last.
    pub last: AtomicI32,
    /// When it was attached last, in seconds since 1970.
    pub attached: AtomicI64,
    /// When it was detached last.
    pub detached: AtomicI64,
    /// Attachments.
    pub attachments: AtomicU64,
    /// It goes with its last attachment.
    pub doomed: AtomicBool,
    /// `SHM_LOCK`: told, and nothing more.
    pub locked: AtomicBool,
}

impl Segment {
    /// A segment of `size` bytes, in `whole` bytes of pages, all zero. It takes memory as it is used.
    ///
    /// # Errors
    /// `ENOMEM`, `EMFILE`.
    pub fn new(size: u64, whole: u64, creator: i32) -> Result<Self, Errno> {
        let file = MemoryFile::new(c"sysv")?;
        file.set_size(whole)?;
        Ok(Self {
            file,
            size,
            creator,
            last: AtomicI32::new(0),
            attached: AtomicI64::new(0),
            detached: AtomicI64::new(0),
            attachments: AtomicU64::new(0),
            doomed: AtomicBool::new(false),
            locked: AtomicBool::new(false),
        })
    }

    /// What a mapping is made from.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn host(&self, writable: bool) -> Result<OwnedFd, Errno> {
        if writable { self.file.read_write() } else { self.file.read_only() }
    }

    /// Bytes that are in memory.
    #[must_use]
    pub fn resident(&self) -> u64 {
        self.file.blocks().unwrap_or(0).saturating_mul(512)
    }
}

/// A segment in an address space, counted as long as this lives.
pub struct Attachment {
    /// Which.
    pub segment: Arc<Entry<Segment>>,
    /// Whose it is, to take the segment away with its last attachment.
    ipc: Weak<Ipc>,
    pid: i32,
}

impl Attachment {
    /// Attaches for a process.
    #[must_use]
    pub fn new(ipc: &Arc<Ipc>, segment: Arc<Entry<Segment>>, pid: i32) -> Self {
        let object = &segment.object;
        object.attachments.fetch_add(1, Ordering::AcqRel);
        object.attached.store(super::now(), Ordering::Relaxed);
        object.last.store(pid, Ordering::Relaxed);
        Self { segment, ipc: Arc::downgrade(ipc), pid }
    }
}

impl Clone for Attachment {
    fn clone(&self) -> Self {
        self.segment.object.attachments.fetch_add(1, Ordering::AcqRel);
        Self { segment: Arc::clone(&self.segment), ipc: Weak::clone(&self.ipc), pid: self.pid }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let object = &self.segment.object;
        object.detached.store(super::now(), Ordering::Relaxed);
        object.last.store(self.pid, Ordering::Relaxed);
        let last = object.attachments.fetch_sub(1, Ordering::AcqRel) == 1;
        if last
            && object.doomed.load(Ordering::Acquire)
            && let Some(ipc) = self.ipc.upgrade()
        {
            ipc.segments.remove(&self.segment);
        }
    }
}

/// The attachments of an address space, by address.
pub type Attachments = Mutex<BTreeMap<u64, Attachment>>;

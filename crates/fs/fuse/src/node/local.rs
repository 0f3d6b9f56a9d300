//! Files whose sizes and times are kept here and not at the server: those of a write-back cache.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use abi::Errno;
use vfs::waiting::{self, Patience};
use vfs::{FileKind, Timestamp};

use super::Node;
use crate::wire::{InitFlags, SetattrIn, SetattrValid};

/// What is still to be told.
#[derive(Default)]
pub(super) struct Local {
    /// The times.
    times: AtomicBool,
    /// Somebody will look after what is to be written.
    looked_after: AtomicBool,
}

impl Node {
    /// Whether its size and times are kept here.
    pub(crate) fn keeps_size(&self) -> bool {
        self.kind == FileKind::Regular && self.shared.connection.has(InitFlags::WRITEBACK_CACHE)
    }

    /// Content was written into the cache up to here.
    pub(crate) fn wrote(&self, end: u64) {
        self.changed();
        let mut known = self.known.lock();
        known.attributes.size = known.attributes.size.max(end);
        let now = Timestamp::now();
        known.attributes.modified = now;
        known.attributes.changed = now;
        self.local.times.store(true, Ordering::Relaxed);
    }

    /// The times that are set by somebody else need not be told.
    pub(super) fn times_are_told(&self) {
        self.local.times.store(false, Ordering::Relaxed);
    }

    /// Tells the server the times of what was written, if it has not heard of them.
    ///
    /// # Errors
    /// The server's.
    pub(crate) fn send_times(&self) -> Result<(), Errno> {
        if !self.local.times.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let now = self.last_known();
        let handle = self.any_handle(true).filter(|handle| handle.is_told());
        let mut valid = SetattrValid::MTIME | SetattrValid::CTIME;
        valid.set(SetattrValid::FH, handle.is_some());
        let change = SetattrIn {
            valid: valid.bits(),
            fh: handle.map_or(0, |handle| handle.number()),
            mtime: now.modified.seconds.cast_unsigned(),
            mtimensec: now.modified.nanoseconds,
            ctime: now.changed.seconds.cast_unsigned(),
            ctimensec: now.changed.nanoseconds,
            ..SetattrIn::default()
        };
        let (asked, since) = (Instant::now(), self.changes());
        let told = self.shared.connection.setattr(self.id, &change)?;
        self.learn(&told, asked, since).map(drop)
    }

    /// Waits until what is under way has come to the server.
    ///
    /// # Errors
    /// `EINTR` for a caller that is killed.
    pub(crate) fn wait_for_room(&self) -> Result<(), Errno> {
        let landed = waiting::until(&self.landed, Patience::Killable, || self.content.has_landed());
        landed.map_err(|error| if error == Errno::ERESTARTSYS { Errno::EINTR } else { error })
    }

    /// Whether nobody looks after what is to be written yet: from now on somebody does.
    pub(crate) fn notice_for_flusher(&self) -> bool {
        !self.local.looked_after.swap(true, Ordering::Relaxed)
    }

    /// Nobody looks after it any more.
    pub(crate) fn forgotten_by_flusher(&self) {
        self.local.looked_after.store(false, Ordering::Relaxed);
    }
}

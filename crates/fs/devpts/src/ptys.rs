//! What all instances of devpts in a sandbox share.

use std::sync::Weak;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use abi::Errno;
use vfs::TerminalId;
use vfs::terminal::Sessions;

/// The count of pairs, and who has their terminals.
pub struct Ptys {
    limit: AtomicU32,
    used: AtomicU32,
    next_id: AtomicU64,
    sessions: Weak<dyn Sessions>,
}

impl Ptys {
    /// As many pairs as Linux has without being told otherwise (/proc/sys/kernel/pty/max).
    pub const DEFAULT_LIMIT: u32 = 4096;

    /// No pairs yet.
    #[must_use]
    pub const fn new(sessions: Weak<dyn Sessions>) -> Self {
        Self {
            limit: AtomicU32::new(Self::DEFAULT_LIMIT),
            used: AtomicU32::new(0),
            next_id: AtomicU64::new(1),
            sessions,
        }
    }

    /// How many there may be.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Changes how many there may be; those that are there stay.
    pub fn set_limit(&self, limit: u32) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// How many there are.
    #[must_use]
    pub fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// Counts one more, and names it.
    ///
    /// # Errors
    /// `ENOSPC` if there are as many as there may be.
    pub(crate) fn take(&self) -> Result<TerminalId, Errno> {
        let limit = self.limit();
        let more = |used| if used < limit { Some(used + 1) } else { None };
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| Errno::ENOSPC)?;
        Ok(TerminalId::Pseudo(self.next_id.fetch_add(1, Ordering::Relaxed)))
    }

    /// Counts one less.
    pub(crate) fn give_back(&self) {
        self.used.fetch_sub(1, Ordering::Relaxed);
    }

    /// Calls somebody who knows the sessions, as long as there is one.
    pub(crate) fn tell(&self, what: impl FnOnce(&dyn Sessions)) {
        if let Some(sessions) = self.sessions.upgrade() {
            what(&*sessions);
        }
    }
}

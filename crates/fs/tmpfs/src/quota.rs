//! How much a filesystem may hold.

use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;

/// A counter with a limit, which may change while it is in use.
#[derive(Debug)]
pub(crate) struct Quota {
    used: AtomicU64,
    limit: AtomicU64,
}

impl Quota {
    pub(crate) const fn new(limit: u64) -> Self {
        Self { used: AtomicU64::new(0), limit: AtomicU64::new(limit) }
    }

    /// Takes so many.
    ///
    /// # Errors
    /// `ENOSPC`.
    pub(crate) fn take(&self, count: u64) -> Result<(), Errno> {
        let limit = self.limit();
        let taken = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
            used.checked_add(count).filter(|sum| *sum <= limit)
        });
        taken.map(drop).map_err(|_| Errno::ENOSPC)
    }

    /// Takes so many whatever the limit says: for what the host has used up already.
    pub(crate) fn take_anyway(&self, count: u64) {
        self.used.fetch_add(count, Ordering::AcqRel);
    }

    pub(crate) fn give_back(&self, count: u64) {
        let _ = self
            .used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| Some(used.saturating_sub(count)));
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit.load(Ordering::Acquire)
    }

    /// Changes the limit.
    ///
    /// # Errors
    /// `EINVAL` if more is in use already.
    pub(crate) fn set_limit(&self, limit: u64) -> Result<(), Errno> {
        if self.used() > limit {
            return Err(Errno::EINVAL);
        }
        self.limit.store(limit, Ordering::Release);
        Ok(())
    }
}

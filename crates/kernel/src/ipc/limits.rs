//! The limits of an IPC namespace: /proc/sys/kernel/shmmax and the like.

use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;

/// A limit that can be lowered, and raised up to a bound.
pub struct Limit {
    value: AtomicU64,
    most: u64,
}

impl Limit {
    const fn new(value: u64, most: u64) -> Self {
        Self { value: AtomicU64::new(value), most }
    }

    /// What counts now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }

    /// As a number of things.
    #[must_use]
    pub fn count(&self) -> usize {
        usize::try_from(self.get()).unwrap_or(usize::MAX)
    }

    /// Changes it.
    ///
    /// # Errors
    /// `EINVAL` above the bound.
    pub fn set(&self, value: u64) -> Result<(), Errno> {
        if value > self.most {
            return Err(Errno::EINVAL);
        }
        self.value.store(value, Ordering::Relaxed);
        Ok(())
    }
}

/// All limits. Queues and sets of semaphores are the sandbox's own memory, so their bounds are lower than Linux's.
pub struct Limits {
    /// Bytes of a segment: `SHMMAX`.
    pub segment_bytes: Limit,
    /// Pages of all segments: `SHMALL`.
    pub segment_pages: Limit,
    /// Segments: `SHMMNI`.
    pub segments: Limit,
    /// Bytes of a message: `MSGMAX`.
    pub message_bytes: Limit,
    /// Bytes that a queue holds unless it is told otherwise: `MSGMNB`.
    pub queue_bytes: Limit,
    /// Queues: `MSGMNI`.
    pub queues: Limit,
    /// Semaphores of a set: `SEMMSL`.
    pub set_semaphores: Limit,
    /// Semaphores: `SEMMNS`.
    pub semaphores: Limit,
    /// Operations of a call: `SEMOPM`.
    pub operations: Limit,
    /// Sets: `SEMMNI`.
    pub sets: Limit,
}

/// Bytes and pages of shared memory unless told otherwise: as good as no limit.
const UNBOUNDED: u64 = u64::MAX - (1 << 24);

impl Default for Limits {
    fn default() -> Self {
        Self {
            segment_bytes: Limit::new(UNBOUNDED, u64::MAX),
            segment_pages: Limit::new(UNBOUNDED, u64::MAX),
            segments: Limit::new(4096, 32_768),
            message_bytes: Limit::new(8192, 1 << 20),
            queue_bytes: Limit::new(16_384, 1 << 20),
            queues: Limit::new(1024, 1024),
            set_semaphores: Limit::new(32_000, 32_000),
            semaphores: Limit::new(1_024_000, 1_024_000),
            operations: Limit::new(500, 500),
            sets: Limit::new(4096, 4096),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_go_up_to_their_bounds() {
        let limits = Limits::default();
        assert_eq!(limits.queues.set(1025), Err(Errno::EINVAL));
        assert_eq!(limits.queues.set(3), Ok(()));
        assert_eq!((limits.queues.count(), limits.segments.get()), (3, 4096));
    }
}

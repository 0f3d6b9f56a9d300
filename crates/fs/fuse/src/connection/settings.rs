//! What both sides agreed upon, and what the server turned out not to know.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::wire::{InHeader, InitFlags, MIN_READ_BUFFER, Opcode, WriteIn};

/// Requests without anybody who waits that may be under way at a time, unless the server says otherwise.
pub(super) const BACKGROUND_MOST: u32 = 12;
/// From how many on it counts as congested.
pub(super) const CONGESTED: u32 = 9;
/// Bytes that may be read ahead.
pub(super) const READAHEAD: u32 = 128 * 1024;
/// Pages that a request may have, for servers that do not say.
pub(super) const PAGES: u32 = 32;
/// Pages that a request may have at most.
pub(super) const PAGES_MOST: u32 = 256;
/// Filesystems that may lie upon each other.
pub(super) const STACK_MOST: u32 = 2;
/// Bytes a page.
pub(super) const PAGE: u32 = 4096;

/// What INIT led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The server's minor version.
    pub(crate) minor: u32,
    /// What is on.
    pub(crate) flags: InitFlags,
    /// Bytes that WRITE may carry.
    pub(crate) max_write: u32,
    /// Bytes that READ may ask for.
    pub(crate) max_read: u32,
    /// Bytes that may be read ahead.
    pub(crate) readahead: u32,
    /// Nanoseconds that times are multiples of.
    pub(crate) granularity: u32,
    /// How many filesystems may lie upon each other with this one, if files may be read and written past the server.
    pub(crate) stack_depth: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            minor: 0,
            flags: InitFlags::empty(),
            max_write: PAGE,
            max_read: PAGES * PAGE,
            readahead: READAHEAD,
            granularity: 1,
            stack_depth: 0,
        }
    }
}

impl Settings {
    /// Whether the server knows BATCH_FORGET.
    pub(super) const fn forgets_together(&self) -> bool {
        self.minor >= 16
    }

    /// Whether INIT told how many requests may be under way that nobody waits for.
    pub(super) const fn limits_background(&self) -> bool {
        self.minor >= 13
    }

    /// Whether the server knows ioctl(2) on directories.
    pub(crate) const fn controls_directories(&self) -> bool {
        self.minor >= 18
    }

    /// Whether the server knows RENAME2.
    pub(crate) const fn renames_with_flags(&self) -> bool {
        self.minor >= 23
    }

    /// Whether locks of flock(2) (`whole`), or of fcntl(2), are the server's. Older ones knew one flag for both.
    pub(crate) const fn locks(&self, whole: bool) -> bool {
        let flag = if whole && self.minor >= 17 { InitFlags::FLOCK_LOCKS } else { InitFlags::POSIX_LOCKS };
        self.flags.contains(flag)
    }

    /// The smallest buffer that the server may read with.
    pub(crate) fn smallest_buffer(&self) -> usize {
        let write = usize::try_from(self.max_write).unwrap_or(usize::MAX);
        let largest = size_of::<InHeader>().saturating_add(size_of::<WriteIn>()).saturating_add(write);
        largest.max(MIN_READ_BUFFER)
    }
}

/// Requests that the server has answered with `ENOSYS`.
#[derive(Debug, Default)]
pub(crate) struct Refused(AtomicU64);

impl Refused {
    const fn bit(opcode: Opcode) -> u64 {
        1 << (opcode.number() & 63)
    }

    /// Whether it is one of them.
    pub(crate) fn is(&self, opcode: Opcode) -> bool {
        self.0.load(Ordering::Relaxed) & Self::bit(opcode) != 0
    }

    /// Adds one.
    pub(crate) fn note(&self, opcode: Opcode) {
        self.0.fetch_or(Self::bit(opcode), Ordering::Relaxed);
    }
}

//! Flags of open(2).
#![expect(missing_docs, reason = "the flags of open(2) by their names")]

bitflags::bitflags! {
    /// Flags of open(2), x86-64.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct OpenFlags: u32 {
        const WRONLY = 0o1;
        const RDWR = 0o2;
        const CREAT = 0o100;
        const EXCL = 0o200;
        const NOCTTY = 0o400;
        const TRUNC = 0o1000;
        const APPEND = 0o2000;
        const NONBLOCK = 0o4000;
        const DSYNC = 0o10000;
        const ASYNC = 0o20000;
        const DIRECT = 0o40000;
        const LARGEFILE = 0o100_000;
        const DIRECTORY = 0o200_000;
        const NOFOLLOW = 0o400_000;
        const NOATIME = 0o1_000_000;
        const CLOEXEC = 0o2_000_000;
        /// `__O_SYNC`: with `DSYNC` it is `O_SYNC`.
        const SYNC = 0o4_000_000;
        const PATH = 0o10_000_000;
        /// `__O_TMPFILE`: with `DIRECTORY` it is `O_TMPFILE`.
        const TMPFILE = 0o20_000_000;
    }
}

impl OpenFlags {
    /// What fcntl(2) `F_SETFL` may change.
    pub const SETTABLE: Self =
        Self::APPEND.union(Self::NONBLOCK).union(Self::ASYNC).union(Self::DIRECT).union(Self::NOATIME);

    /// Whether reading is allowed (access mode 0 or 2; mode 3 allows neither).
    #[must_use]
    pub const fn reads(self) -> bool {
        self.bits() & 3 == 0 || self.bits() & 3 == 2
    }

    /// Whether writing is allowed.
    #[must_use]
    pub const fn writes(self) -> bool {
        self.bits() & 3 == 1 || self.bits() & 3 == 2
    }
}

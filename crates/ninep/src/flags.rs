//! The bits inside messages. Open and unlink flags are those of Linux on most architectures (asm-generic), whatever the
//! architecture of either side.

use bitflags::bitflags;

bitflags! {
    /// The kind of file in a [`crate::Qid`].
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct QidType: u8 {
        /// A directory.
        const DIRECTORY = 0x80;
        /// A symbolic link.
        const SYMLINK = 0x02;
    }

    /// Which attributes are asked for or filled.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct GetAttr: u64 {
        /// Type and permissions.
        const MODE = 0x1;
        /// Hard links.
        const NLINK = 0x2;
        /// Owner.
        const UID = 0x4;
        /// Group.
        const GID = 0x8;
        /// Device number of a node.
        const RDEV = 0x10;
        /// Last access.
        const ATIME = 0x20;
        /// Last change of contents.
        const MTIME = 0x40;
        /// Last change of attributes.
        const CTIME = 0x80;
        /// Inode number: the qid.
        const INO = 0x100;
        /// Bytes.
        const SIZE = 0x200;
        /// Allocated blocks.
        const BLOCKS = 0x400;
        /// Birth.
        const BTIME = 0x800;
        /// Generation.
        const GENERATION = 0x1000;
        /// Version of the contents.
        const DATA_VERSION = 0x2000;
        /// All that stat(2) has.
        const BASIC = 0x7ff;
    }

    /// Which attributes to set.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SetAttrMask: u32 {
        /// Permissions.
        const MODE = 0x1;
        /// Owner.
        const UID = 0x2;
        /// Group.
        const GID = 0x4;
        /// Size.
        const SIZE = 0x8;
        /// Access time: now, unless `ATIME_SET`.
        const ATIME = 0x10;
        /// Modification time: now, unless `MTIME_SET`.
        const MTIME = 0x20;
        /// Change time: a server that keeps it itself ignores the wish.
        const CTIME = 0x40;
        /// The access time given.
        const ATIME_SET = 0x80;
        /// The modification time given.
        const MTIME_SET = 0x100;
    }

    /// How to open.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Open: u32 {
        /// For writing only.
        const WRITE_ONLY = 0o1;
        /// For reading and writing.
        const READ_WRITE = 0o2;
        /// Make it if it is not there.
        const CREATE = 0o100;
        /// It must not be there.
        const EXCLUSIVE = 0o200;
        /// No controlling terminal.
        const NO_CTTY = 0o400;
        /// Cut it to nothing.
        const TRUNCATE = 0o1000;
        /// Write at the end.
        const APPEND = 0o2000;
        /// Do not wait.
        const NONBLOCK = 0o4000;
        /// Data reaches the disk before a write returns.
        const DSYNC = 0o10000;
        /// Signal-driven I/O.
        const ASYNC = 0o20000;
        /// Past the page cache.
        const DIRECT = 0o40000;
        /// Sizes beyond 31 bits.
        const LARGEFILE = 0o100_000;
        /// It must be a directory.
        const DIRECTORY = 0o200_000;
        /// It must not be a symbolic link.
        const NO_FOLLOW = 0o400_000;
        /// Leave the access time.
        const NO_ATIME = 0o1_000_000;
        /// Not inherited by exec.
        const CLOEXEC = 0o2_000_000;
        /// With `DSYNC`: metadata too.
        const SYNC = 0o4_000_000;
    }
}

impl Open {
    /// The two bits of the access mode.
    pub const ACCESS_MODE: u32 = 0o3;

    /// What the access mode asks for, or nothing for the mode 3, which opens for neither.
    #[must_use]
    pub const fn access(self) -> Option<Access> {
        match self.bits() & Self::ACCESS_MODE {
            0 => Some(Access::Read),
            1 => Some(Access::Write),
            2 => Some(Access::ReadWrite),
            _ => None,
        }
    }
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Both.
    ReadWrite,
}

impl Access {
    /// Whether it can be written.
    #[must_use]
    pub const fn writes(self) -> bool {
        !matches!(self, Self::Read)
    }

    /// As an access mode of open(2).
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Read => 0,
            Self::Write => 1,
            Self::ReadWrite => 2,
        }
    }
}

/// `AT_REMOVEDIR` in an unlink request.
pub const REMOVE_DIRECTORY: u32 = 0x200;

/// Lock types and answers of the lock requests.
pub mod lock {
    /// A shared lock.
    pub const READ: u8 = 0;
    /// An exclusive lock.
    pub const WRITE: u8 = 1;
    /// No lock.
    pub const UNLOCK: u8 = 2;
    /// The lock was had.
    pub const SUCCESS: u8 = 0;
    /// Somebody else has it.
    pub const BLOCKED: u8 = 1;
    /// It failed.
    pub const ERROR: u8 = 2;
}

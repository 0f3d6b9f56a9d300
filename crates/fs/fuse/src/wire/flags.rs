//! Bits and small numbers of the protocol.

bitflags::bitflags! {
    /// What both sides can do: `flags` of INIT, with `flags2` in the upper half.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct InitFlags: u64 {
        /// Several reads of one file at once.
        const ASYNC_READ = 1 << 0;
        /// Record locks are the server's.
        const POSIX_LOCKS = 1 << 1;
        /// `O_TRUNC` is the server's.
        const ATOMIC_O_TRUNC = 1 << 3;
        /// The server can look up `.` and `..`.
        const EXPORT_SUPPORT = 1 << 4;
        /// Writes of more than a page.
        const BIG_WRITES = 1 << 5;
        /// The umask is the server's to apply.
        const DONT_MASK = 1 << 6;
        /// The device takes replies by splice(2).
        const SPLICE_WRITE = 1 << 7;
        /// Pages that are spliced may be moved.
        const SPLICE_MOVE = 1 << 8;
        /// The device gives requests by splice(2).
        const SPLICE_READ = 1 << 9;
        /// flock(2) is the server's.
        const FLOCK_LOCKS = 1 << 10;
        /// ioctl(2) on directories.
        const HAS_IOCTL_DIR = 1 << 11;
        /// Cached content goes when the modification time or size changes.
        const AUTO_INVAL_DATA = 1 << 12;
        /// READDIRPLUS.
        const DO_READDIRPLUS = 1 << 13;
        /// READDIRPLUS only where it is worth it.
        const READDIRPLUS_AUTO = 1 << 14;
        /// Direct I/O of several requests at once.
        const ASYNC_DIO = 1 << 15;
        /// Writes go to the cache first, and sizes and times are kept here.
        const WRITEBACK_CACHE = 1 << 16;
        /// OPEN may be answered with `ENOSYS`.
        const NO_OPEN_SUPPORT = 1 << 17;
        /// Several look-ups and listings of one directory at once.
        const PARALLEL_DIROPS = 1 << 18;
        /// The server takes set-ID bits away itself.
        const HANDLE_KILLPRIV = 1 << 19;
        /// Access control lists count, and permissions are checked here.
        const POSIX_ACL = 1 << 20;
        /// After an abort the device says so.
        const ABORT_ERROR = 1 << 21;
        /// INIT tells how many pages a request may have.
        const MAX_PAGES = 1 << 22;
        /// Targets of symbolic links are cached.
        const CACHE_SYMLINKS = 1 << 23;
        /// OPENDIR may be answered with `ENOSYS`.
        const NO_OPENDIR_SUPPORT = 1 << 24;
        /// Cached content goes only when the server says so.
        const EXPLICIT_INVAL_DATA = 1 << 25;
        /// The server takes set-ID bits and capabilities away when it is told to.
        const HANDLE_KILLPRIV_V2 = 1 << 28;
        /// The longer form of SETXATTR.
        const SETXATTR_EXT = 1 << 29;
        /// The upper half is there.
        const INIT_EXT = 1 << 30;
        /// Requests that make files say which labels they get: none, where there is no security module.
        const SECURITY_CTX = 1 << 32;
        /// Requests that make files say whether the caller is in the directory's group.
        const CREATE_SUPP_GROUP = 1 << 34;
        /// Names can be made to expire.
        const HAS_EXPIRE_ONLY = 1 << 35;
        /// mmap(2) of files that are open for direct I/O.
        const DIRECT_IO_ALLOW_MMAP = 1 << 36;
        /// Open files may be read and written past the server.
        const PASSTHROUGH = 1 << 37;
        /// Files are not opened by handles.
        const NO_EXPORT_SUPPORT = 1 << 38;
        /// NOTIFY_RESEND.
        const HAS_RESEND = 1 << 39;
        /// The connection ends when a request is not answered for too long.
        const REQUEST_TIMEOUT = 1 << 42;
    }
}

bitflags::bitflags! {
    /// How a server wants an open file treated: `open_flags` of OPEN and CREATE.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct FileFlags: u32 {
        /// Past the cache.
        const DIRECT_IO = 1 << 0;
        /// What is cached stays.
        const KEEP_CACHE = 1 << 1;
        /// No offsets but the one that it is at.
        const NONSEEKABLE = 1 << 2;
        /// The listing may be cached.
        const CACHE_DIR = 1 << 3;
        /// No offsets at all.
        const STREAM = 1 << 4;
        /// No FLUSH.
        const NOFLUSH = 1 << 5;
        /// Direct writes at once.
        const PARALLEL_DIRECT_WRITES = 1 << 6;
        /// Another file's content, which the server has named.
        const PASSTHROUGH = 1 << 7;
    }
}

bitflags::bitflags! {
    /// Which fields of SETATTR count.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SetattrValid: u32 {
        /// `mode`.
        const MODE = 1 << 0;
        /// `uid`.
        const UID = 1 << 1;
        /// `gid`.
        const GID = 1 << 2;
        /// `size`.
        const SIZE = 1 << 3;
        /// `atime`.
        const ATIME = 1 << 4;
        /// `mtime`.
        const MTIME = 1 << 5;
        /// `fh`.
        const FH = 1 << 6;
        /// `atime` is now.
        const ATIME_NOW = 1 << 7;
        /// `mtime` is now.
        const MTIME_NOW = 1 << 8;
        /// `lock_owner`.
        const LOCKOWNER = 1 << 9;
        /// `ctime`.
        const CTIME = 1 << 10;
        /// Set-ID bits and capabilities shall go.
        const KILL_SUIDGID = 1 << 11;
    }
}

/// What a server tells unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyCode {
    /// A file may be ready.
    Poll,
    /// Attributes and content of a file are outdated.
    InvalInode,
    /// A name is outdated.
    InvalEntry,
    /// Content for the cache.
    Store,
    /// Content is wanted from the cache.
    Retrieve,
    /// A name is gone.
    Delete,
    /// Requests that were read and not answered shall come again.
    Resend,
    /// All names are outdated.
    IncEpoch,
    /// Inodes that nobody uses are to be let go.
    Prune,
}

impl NotifyCode {
    /// The code of a number.
    #[must_use]
    pub const fn new(number: i32) -> Option<Self> {
        Some(match number {
            1 => Self::Poll,
            2 => Self::InvalInode,
            3 => Self::InvalEntry,
            4 => Self::Store,
            5 => Self::Retrieve,
            6 => Self::Delete,
            7 => Self::Resend,
            8 => Self::IncEpoch,
            9 => Self::Prune,
            _ => return None,
        })
    }
}

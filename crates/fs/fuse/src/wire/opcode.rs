//! The kinds of requests.
//!
//! The protocol has some that Linux never sends to a server of `fuse`, nor does this: BMAP, DESTROY and SYNCFS are for servers of block devices
//! (`fuseblk`, of which a sandbox has none) and of virtio, SETUPMAPPING and REMOVEMAPPING for those of virtio alone, unrestricted IOCTLs for
//! character devices (CUSE). `fuse/requests` shows it.

/// Declares the opcodes with the header's names, for logs and for the test that compares them.
macro_rules! opcodes {
    ($($name:ident = $number:literal $c:literal,)*) => {
        /// What a request asks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        #[expect(missing_docs, reason = "each is the header's `FUSE_` constant and described in its own file under `ops`")]
        pub enum Opcode {
            $($name = $number,)*
        }

        impl Opcode {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name in the header.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $c,)*
                }
            }

            /// The number.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self {
                    $(Self::$name => $number,)*
                }
            }
        }
    };
}

opcodes! {
    Lookup = 1 "FUSE_LOOKUP",
    Forget = 2 "FUSE_FORGET",
    Getattr = 3 "FUSE_GETATTR",
    Setattr = 4 "FUSE_SETATTR",
    Readlink = 5 "FUSE_READLINK",
    Symlink = 6 "FUSE_SYMLINK",
    Mknod = 8 "FUSE_MKNOD",
    Mkdir = 9 "FUSE_MKDIR",
    Unlink = 10 "FUSE_UNLINK",
    Rmdir = 11 "FUSE_RMDIR",
    Rename = 12 "FUSE_RENAME",
    Link = 13 "FUSE_LINK",
    Open = 14 "FUSE_OPEN",
    Read = 15 "FUSE_READ",
    Write = 16 "FUSE_WRITE",
    Statfs = 17 "FUSE_STATFS",
    Release = 18 "FUSE_RELEASE",
    Fsync = 20 "FUSE_FSYNC",
    Setxattr = 21 "FUSE_SETXATTR",
    Getxattr = 22 "FUSE_GETXATTR",
    Listxattr = 23 "FUSE_LISTXATTR",
    Removexattr = 24 "FUSE_REMOVEXATTR",
    Flush = 25 "FUSE_FLUSH",
    Init = 26 "FUSE_INIT",
    Opendir = 27 "FUSE_OPENDIR",
    Readdir = 28 "FUSE_READDIR",
    Releasedir = 29 "FUSE_RELEASEDIR",
    Fsyncdir = 30 "FUSE_FSYNCDIR",
    Getlk = 31 "FUSE_GETLK",
    Setlk = 32 "FUSE_SETLK",
    Setlkw = 33 "FUSE_SETLKW",
    Access = 34 "FUSE_ACCESS",
    Create = 35 "FUSE_CREATE",
    Interrupt = 36 "FUSE_INTERRUPT",
    Ioctl = 39 "FUSE_IOCTL",
    Poll = 40 "FUSE_POLL",
    NotifyReply = 41 "FUSE_NOTIFY_REPLY",
    BatchForget = 42 "FUSE_BATCH_FORGET",
    Fallocate = 43 "FUSE_FALLOCATE",
    Readdirplus = 44 "FUSE_READDIRPLUS",
    Rename2 = 45 "FUSE_RENAME2",
    Lseek = 46 "FUSE_LSEEK",
    CopyFileRange = 47 "FUSE_COPY_FILE_RANGE",
    Tmpfile = 51 "FUSE_TMPFILE",
    Statx = 52 "FUSE_STATX",
    CopyFileRange64 = 53 "FUSE_COPY_FILE_RANGE_64",
}

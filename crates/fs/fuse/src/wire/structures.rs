//! The structures of requests and replies, as the kernel's `linux/fuse.h` has them.

#![expect(
    missing_docs,
    reason = "the fields are those of the header, where most are said to be what their names say"
)]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Declares structures with the names that the header has for them, for the test that compares sizes and offsets.
macro_rules! structures {
    ($($(#[$doc:meta])* $c:literal $name:ident { $($field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
            #[repr(C)]
            pub struct $name {
                $(pub $field: $type),*
            }
        )*

        /// Of each structure: its name in the header, its size, and the names and offsets of its fields.
        #[cfg(test)]
        pub(super) fn layouts() -> Vec<(&'static str, usize, Vec<(&'static str, usize)>)> {
            vec![$((
                $c,
                size_of::<$name>(),
                vec![$((stringify!($field), core::mem::offset_of!($name, $field))),*],
            )),*]
        }
    };
}

structures! {
    /// What a server tells of a file.
    "fuse_attr" Attr { ino: u64, size: u64, blocks: u64, atime: u64, mtime: u64, ctime: u64, atimensec: u32, mtimensec: u32, ctimensec: u32, mode: u32, nlink: u32, uid: u32, gid: u32, rdev: u32, blksize: u32, flags: u32 }
    /// What a server tells of its filesystem: statfs(2).
    "fuse_kstatfs" Statfs { blocks: u64, bfree: u64, bavail: u64, files: u64, ffree: u64, bsize: u32, namelen: u32, frsize: u32, padding: u32, spare: [u32; 6] }
    /// A record lock: fcntl(2).
    "fuse_file_lock" FileLock { start: u64, end: u64, kind: u32, pid: u32 }
    /// A name's file, and how long it may be believed.
    "fuse_entry_out" EntryOut { nodeid: u64, generation: u64, entry_valid: u64, attr_valid: u64, entry_valid_nsec: u32, attr_valid_nsec: u32, attr: Attr }
    /// How many answers that named the file are given up.
    "fuse_forget_in" ForgetIn { nlookup: u64 }
    /// One of many.
    "fuse_forget_one" ForgetOne { nodeid: u64, nlookup: u64 }
    /// How many [`ForgetOne`] follow.
    "fuse_batch_forget_in" BatchForgetIn { count: u32, dummy: u32 }
    /// GETATTR.
    "fuse_getattr_in" GetattrIn { getattr_flags: u32, dummy: u32, fh: u64 }
    /// Attributes, and how long they may be believed.
    "fuse_attr_out" AttrOut { attr_valid: u64, attr_valid_nsec: u32, dummy: u32, attr: Attr }
    /// MKNOD.
    "fuse_mknod_in" MknodIn { mode: u32, rdev: u32, umask: u32, padding: u32 }
    /// MKDIR.
    "fuse_mkdir_in" MkdirIn { mode: u32, umask: u32 }
    /// RENAME.
    "fuse_rename_in" RenameIn { newdir: u64 }
    /// RENAME2.
    "fuse_rename2_in" Rename2In { newdir: u64, flags: u32, padding: u32 }
    /// LINK.
    "fuse_link_in" LinkIn { oldnodeid: u64 }
    /// SETATTR.
    "fuse_setattr_in" SetattrIn { valid: u32, padding: u32, fh: u64, size: u64, lock_owner: u64, atime: u64, mtime: u64, ctime: u64, atimensec: u32, mtimensec: u32, ctimensec: u32, mode: u32, unused4: u32, uid: u32, gid: u32, unused5: u32 }
    /// OPEN, OPENDIR.
    "fuse_open_in" OpenIn { flags: u32, open_flags: u32 }
    /// CREATE, TMPFILE.
    "fuse_create_in" CreateIn { flags: u32, mode: u32, umask: u32, open_flags: u32 }
    /// The handle of an open file.
    "fuse_open_out" OpenOut { fh: u64, open_flags: u32, backing_id: i32 }
    /// RELEASE, RELEASEDIR.
    "fuse_release_in" ReleaseIn { fh: u64, flags: u32, release_flags: u32, lock_owner: u64 }
    /// FLUSH.
    "fuse_flush_in" FlushIn { fh: u64, unused: u32, padding: u32, lock_owner: u64 }
    /// READ, READDIR, READDIRPLUS.
    "fuse_read_in" ReadIn { fh: u64, offset: u64, size: u32, read_flags: u32, lock_owner: u64, flags: u32, padding: u32 }
    /// WRITE.
    "fuse_write_in" WriteIn { fh: u64, offset: u64, size: u32, write_flags: u32, lock_owner: u64, flags: u32, padding: u32 }
    /// How much was written, copied.
    "fuse_write_out" WriteOut { size: u32, padding: u32 }
    /// FSYNC, FSYNCDIR.
    "fuse_fsync_in" FsyncIn { fh: u64, fsync_flags: u32, padding: u32 }
    /// SETXATTR. Servers that did not ask for `SETXATTR_EXT` get its first eight bytes.
    "fuse_setxattr_in" SetxattrIn { size: u32, flags: u32, setxattr_flags: u32, padding: u32 }
    /// GETXATTR, LISTXATTR.
    "fuse_getxattr_in" GetxattrIn { size: u32, padding: u32 }
    /// How long a value, a list is.
    "fuse_getxattr_out" GetxattrOut { size: u32, padding: u32 }
    /// GETLK, SETLK, SETLKW.
    "fuse_lk_in" LkIn { fh: u64, owner: u64, lk: FileLock, lk_flags: u32, padding: u32 }
    /// The lock that stands in the way.
    "fuse_lk_out" LkOut { lk: FileLock }
    /// ACCESS.
    "fuse_access_in" AccessIn { mask: u32, padding: u32 }
    /// INIT: what this side speaks.
    "fuse_init_in" InitIn { major: u32, minor: u32, max_readahead: u32, flags: u32, flags2: u32, unused: [u32; 11] }
    /// INIT: what the server speaks. Older ones send only its beginning.
    "fuse_init_out" InitOut { major: u32, minor: u32, max_readahead: u32, flags: u32, max_background: u16, congestion_threshold: u16, max_write: u32, time_gran: u32, max_pages: u16, map_alignment: u16, flags2: u32, max_stack_depth: u32, request_timeout: u16, unused: [u16; 11] }
    /// INTERRUPT: of which request.
    "fuse_interrupt_in" InterruptIn { unique: u64 }
    /// IOCTL.
    "fuse_ioctl_in" IoctlIn { fh: u64, flags: u32, cmd: u32, arg: u64, in_size: u32, out_size: u32 }
    /// IOCTL.
    "fuse_ioctl_out" IoctlOut { result: i32, flags: u32, in_iovs: u32, out_iovs: u32 }
    /// POLL.
    "fuse_poll_in" PollIn { fh: u64, kh: u64, flags: u32, events: u32 }
    /// POLL.
    "fuse_poll_out" PollOut { revents: u32, padding: u32 }
    /// A file may be ready by now.
    "fuse_notify_poll_wakeup_out" NotifyPollOut { kh: u64 }
    /// FALLOCATE.
    "fuse_fallocate_in" FallocateIn { fh: u64, offset: u64, length: u64, mode: u32, padding: u32 }
    /// What every request begins with.
    "fuse_in_header" InHeader { len: u32, opcode: u32, unique: u64, nodeid: u64, uid: u32, gid: u32, pid: u32, total_extlen: u16, padding: u16 }
    /// What every reply and notification begins with.
    "fuse_out_header" OutHeader { len: u32, error: i32, unique: u64 }
    /// An entry of a directory; the name follows, and zeros up to a multiple of eight bytes.
    "fuse_dirent" Dirent { ino: u64, off: u64, namelen: u32, kind: u32 }
    /// A file's attributes, and content from `off` on, are not to be believed any longer.
    "fuse_notify_inval_inode_out" NotifyInvalInodeOut { ino: u64, off: i64, len: i64 }
    /// A name is not to be believed any longer.
    "fuse_notify_inval_entry_out" NotifyInvalEntryOut { parent: u64, namelen: u32, flags: u32 }
    /// A name is gone.
    "fuse_notify_delete_out" NotifyDeleteOut { parent: u64, child: u64, namelen: u32, padding: u32 }
    /// Content for the cache; it follows.
    "fuse_notify_store_out" NotifyStoreOut { nodeid: u64, offset: u64, size: u32, padding: u32 }
    /// Content is wanted from the cache.
    "fuse_notify_retrieve_out" NotifyRetrieveOut { notify_unique: u64, nodeid: u64, offset: u64, size: u32, padding: u32 }
    /// The content that was asked for; it follows.
    "fuse_notify_retrieve_in" NotifyRetrieveIn { dummy1: u64, offset: u64, size: u32, dummy2: u32, dummy3: u64, dummy4: u64 }
    /// LSEEK.
    "fuse_lseek_in" LseekIn { fh: u64, offset: u64, whence: u32, padding: u32 }
    /// LSEEK.
    "fuse_lseek_out" LseekOut { offset: u64 }
    /// COPY_FILE_RANGE.
    "fuse_copy_file_range_in" CopyFileRangeIn { fh_in: u64, off_in: u64, nodeid_out: u64, fh_out: u64, off_out: u64, len: u64, flags: u64 }
    /// How much was copied.
    "fuse_copy_file_range_out" CopyFileRangeOut { bytes_copied: u64 }
    /// A time of STATX.
    "fuse_sx_time" SxTime { tv_sec: i64, tv_nsec: u32, __reserved: i32 }
    /// What statx(2) reports.
    "fuse_statx" SxStat { mask: u32, blksize: u32, attributes: u64, nlink: u32, uid: u32, gid: u32, mode: u16, __spare0: [u16; 1], ino: u64, size: u64, blocks: u64, attributes_mask: u64, atime: SxTime, btime: SxTime, ctime: SxTime, mtime: SxTime, rdev_major: u32, rdev_minor: u32, dev_major: u32, dev_minor: u32, __spare2: [u64; 14] }
    /// STATX.
    "fuse_statx_in" StatxIn { getattr_flags: u32, reserved: u32, fh: u64, sx_flags: u32, sx_mask: u32 }
    /// STATX.
    "fuse_statx_out" StatxOut { attr_valid: u64, attr_valid_nsec: u32, flags: u32, spare: [u64; 2], stat: SxStat }
    /// Which open file is to be used in place of the server.
    "fuse_backing_map" BackingMap { fd: i32, flags: u32, padding: u64 }
    /// How many inodes to let go; their numbers follow.
    "fuse_notify_prune_out" NotifyPruneOut { count: u32, padding: u32, spare: u64 }
    /// What some requests have behind all else.
    "fuse_ext_header" ExtHeader { size: u32, kind: u32 }
    /// How many groups that a caller is in are told; their numbers follow.
    "fuse_supp_groups" SuppGroups { nr_groups: u32 }
    /// How many labels a new file gets, and the size of all that.
    "fuse_secctx_header" SecctxHeader { size: u32, nr_secctx: u32 }
}

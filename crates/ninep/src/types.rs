//! Structures inside messages.

use serde::{Deserialize, Serialize};

use crate::wire::{Malformed, Reader, Text, Wire, Writer, structure};

structure! {
/// What a server tells files apart by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
Qid {
    /// `QT*` bits: see [`crate::flags::QidType`].
    kind: u8,
    /// Changes when the file changes; 0 where the server does not know.
    version: u32,
    /// Unique among all files of the connection.
    path: u64,
}
}

impl Qid {
    /// A server with the extension passes inode numbers that fit into so many bits on, with the number of their device above them.
    pub const INODE_BITS: u32 = 48;
    /// And marks what it had to mix of the two.
    pub const MIXED: u64 = 1 << 63;

    /// What all files of one device have in common, if the identity tells.
    #[must_use]
    pub const fn device(path: u64) -> Option<u64> {
        if path & Self::MIXED == 0 { Some(path >> Self::INODE_BITS) } else { None }
    }
}

structure! {
/// A point in time since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
Time {
    /// Seconds; two's complement for times before 1970.
    seconds: u64,
    /// 0 to 999,999,999.
    nanoseconds: u64,
}
}

structure! {
/// The attributes of a file, as statx(2) has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
Attr {
    /// Which of the fields are filled: [`crate::flags::GetAttr`].
    valid: u64,
    /// The file.
    qid: Qid,
    /// Type and permission bits.
    mode: u32,
    /// Owner.
    uid: u32,
    /// Group.
    gid: u32,
    /// Hard links.
    nlink: u64,
    /// The device that a device node stands for.
    rdev: u64,
    /// Bytes.
    size: u64,
    /// Preferred size of I/O, in bytes.
    blksize: u64,
    /// Units of 512 bytes allocated.
    blocks: u64,
    /// Last access.
    atime: Time,
    /// Last change of contents.
    mtime: Time,
    /// Last change of attributes.
    ctime: Time,
    /// Birth.
    btime: Time,
    /// Reserved by the protocol.
    generation: u64,
    /// Reserved by the protocol.
    data_version: u64,
}
}

structure! {
/// What to change of a file's attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
SetAttr {
    /// Which fields count: [`crate::flags::SetAttrMask`].
    valid: u32,
    /// Permission bits.
    mode: u32,
    /// Owner.
    uid: u32,
    /// Group.
    gid: u32,
    /// Bytes.
    size: u64,
    /// Last access.
    atime: Time,
    /// Last change of contents.
    mtime: Time,
}
}

structure! {
/// A filesystem, as statfs(2) has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
StatFs {
    /// The magic number.
    kind: u32,
    /// Block size in bytes.
    bsize: u32,
    /// Blocks.
    blocks: u64,
    /// Free blocks.
    bfree: u64,
    /// Free blocks for the unprivileged.
    bavail: u64,
    /// Inodes.
    files: u64,
    /// Free inodes.
    ffree: u64,
    /// Identity.
    fsid: u64,
    /// Longest name.
    namelen: u32,
}
}

structure! {
/// A range of ids of users or groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
Extent {
    /// The first as the client sees it.
    inside: u32,
    /// The first as the host's file system has it.
    outside: u32,
    /// How many there are.
    count: u32,
}
}

/// One step of a walk with attributes: a name, and the fid that the file reached gets ([`crate::NO_FID`] for none).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// The fid for it.
    pub fid: u32,
    /// A name of the directory reached so far.
    pub name: Text<'a>,
}

impl<'a> Wire<'a> for Target<'a> {
    fn get(from: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self { fid: from.get()?, name: from.get()? })
    }

    fn put(&self, into: &mut Writer<'_>) {
        into.put(&self.fid);
        into.put(&self.name);
    }
}

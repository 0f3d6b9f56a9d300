//! Attributes between the wire, the host and the VFS.

use abi::Errno;
use ninep::flags::{Access, GetAttr, SetAttrMask};
use ninep::{Attr, SetAttr, StatFs, Time};
use rustix::fs::{AtFlags, StatxFlags, StatxTimestamp};
use vfs::{
    AttributeChange, Attributes, Device, FileKind, FileSystemStatistics, OpenFlags, Owner, TimeChange,
    Timestamp,
};

/// What the server told.
///
/// # Errors
/// `EIO` for a file without a type.
pub fn from_wire(attr: &Attr) -> Result<Attributes, Errno> {
    let born = attr.valid & GetAttr::BTIME.bits() != 0 && attr.btime != Time::default();
    Ok(Attributes {
        inode: attr.qid.path,
        kind: FileKind::from_mode(attr.mode).ok_or(Errno::EIO)?,
        mode: attr.mode & 0o7777,
        links: attr.nlink,
        owner: Owner { uid: attr.uid, gid: attr.gid },
        device: Device::decode(attr.rdev),
        size: attr.size,
        blocks: attr.blocks,
        block_size: u32::try_from(attr.blksize).unwrap_or(4096),
        accessed: time_from_wire(attr.atime),
        modified: time_from_wire(attr.mtime),
        changed: time_from_wire(attr.ctime),
        born: born.then(|| time_from_wire(attr.btime)),
        flags: None,
    })
}

/// What the server told of its filesystem.
#[must_use]
pub fn statistics(told: &StatFs) -> FileSystemStatistics {
    FileSystemStatistics {
        magic: told.kind.into(),
        block_size: told.bsize.into(),
        blocks: told.blocks,
        blocks_free: told.bfree,
        blocks_available: told.bavail,
        files: told.files,
        files_free: told.ffree,
        name_length: told.namelen.into(),
    }
}

/// How a file is to be opened that is opened so here.
pub(crate) const fn access(flags: OpenFlags) -> Access {
    match (flags.reads(), flags.writes()) {
        (true, true) => Access::ReadWrite,
        (false, true) => Access::Write,
        _ => Access::Read,
    }
}

fn time_from_wire(time: Time) -> Timestamp {
    Timestamp {
        seconds: time.seconds.cast_signed(),
        nanoseconds: u32::try_from(time.nanoseconds).unwrap_or(0),
    }
}

/// What the host tells through a donated descriptor, for the inode with this number and owner.
///
/// # Errors
/// `EIO`.
pub(crate) fn from_host(file: impl std::os::fd::AsFd, inode: u64, owner: Owner) -> Result<Attributes, Errno> {
    let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    let stat = rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, wanted).map_err(errno)?;
    let mode = u32::from(stat.stx_mode);
    Ok(Attributes {
        inode,
        kind: FileKind::from_mode(mode).ok_or(Errno::EIO)?,
        mode: mode & 0o7777,
        links: stat.stx_nlink.into(),
        owner,
        device: Device::new(stat.stx_rdev_major, stat.stx_rdev_minor),
        size: stat.stx_size,
        blocks: stat.stx_blocks,
        block_size: stat.stx_blksize,
        accessed: time_from_host(stat.stx_atime),
        modified: time_from_host(stat.stx_mtime),
        changed: time_from_host(stat.stx_ctime),
        born: (stat.stx_mask & StatxFlags::BTIME.bits() != 0).then(|| time_from_host(stat.stx_btime)),
        flags: None,
    })
}

const fn time_from_host(time: StatxTimestamp) -> Timestamp {
    Timestamp { seconds: time.tv_sec, nanoseconds: time.tv_nsec }
}

/// A change as a server takes it.
pub fn to_wire(change: &AttributeChange) -> SetAttr {
    let mut valid = SetAttrMask::empty();
    valid.set(SetAttrMask::MODE, change.mode.is_some());
    valid.set(SetAttrMask::UID, change.uid.is_some());
    valid.set(SetAttrMask::GID, change.gid.is_some());
    valid.set(SetAttrMask::SIZE, change.size.is_some());
    let mut time = |change: Option<TimeChange>, any, exact| match change {
        None => Time::default(),
        Some(TimeChange::Now) => {
            valid |= any;
            Time::default()
        }
        Some(TimeChange::To(at)) => {
            valid |= any | exact;
            Time { seconds: at.seconds.cast_unsigned(), nanoseconds: at.nanoseconds.into() }
        }
    };
    let atime = time(change.accessed, SetAttrMask::ATIME, SetAttrMask::ATIME_SET);
    let mtime = time(change.modified, SetAttrMask::MTIME, SetAttrMask::MTIME_SET);
    SetAttr {
        valid: valid.bits(),
        mode: change.mode.unwrap_or(0),
        uid: change.uid.unwrap_or(0),
        gid: change.gid.unwrap_or(0),
        size: change.size.unwrap_or(0),
        atime,
        mtime,
    }
}

/// An error of the host.
pub(crate) fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

//! What stat(2) shows of a host file, and what may be changed of it.

use std::os::fd::{AsFd, OwnedFd};

use abi::Errno;
use rustix::fs::{
    AtFlags, Mode, StatxFlags, StatxTimestamp, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, fchmod,
    ftruncate, futimens, statx,
};
use vfs::{AttributeChange, Attributes, Owner, TimeChange, Timestamp};

use crate::Kind;
use crate::transfer::errno;

/// The host's attributes with an inode number, an owner and a device of our own.
pub(crate) fn get(fd: &OwnedFd, kind: Kind, inode: u64, owner: Owner) -> Result<Attributes, Errno> {
    let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    let stat = statx(fd, c"", AtFlags::EMPTY_PATH, wanted).map_err(errno)?;
    let born = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
    Ok(Attributes {
        inode,
        kind: kind.file_kind(),
        mode: u32::from(stat.stx_mode) & 0o7777,
        links: u64::from(stat.stx_nlink),
        owner,
        device: kind.device(rustix::fs::makedev(stat.stx_rdev_major, stat.stx_rdev_minor)),
        size: stat.stx_size,
        blocks: stat.stx_blocks,
        block_size: stat.stx_blksize,
        accessed: timestamp(&stat.stx_atime),
        modified: timestamp(&stat.stx_mtime),
        changed: timestamp(&stat.stx_ctime),
        born: born.then(|| timestamp(&stat.stx_btime)),
        flags: None,
    })
}

const fn timestamp(time: &StatxTimestamp) -> Timestamp {
    Timestamp { seconds: time.tv_sec, nanoseconds: time.tv_nsec }
}

/// Mode, size and times go to the host; the owner is not ours to give.
pub(crate) fn set(fd: &OwnedFd, change: &AttributeChange) -> Result<(), Errno> {
    if change.uid.is_some() || change.gid.is_some() {
        return Err(Errno::EPERM);
    }
    if let Some(mode) = change.mode {
        fchmod(fd.as_fd(), Mode::from_raw_mode(mode)).map_err(errno)?;
    }
    if let Some(size) = change.size {
        ftruncate(fd, size).map_err(errno)?;
    }
    if change.accessed.is_some() || change.modified.is_some() {
        let times = Timestamps {
            last_access: timespec(change.accessed),
            last_modification: timespec(change.modified),
        };
        futimens(fd, &times).map_err(errno)?;
    }
    Ok(())
}

fn timespec(change: Option<TimeChange>) -> Timespec {
    match change {
        None => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        Some(TimeChange::Now) => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        Some(TimeChange::To(at)) => Timespec { tv_sec: at.seconds, tv_nsec: i64::from(at.nanoseconds) },
    }
}

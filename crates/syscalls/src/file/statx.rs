//! statx(2).

use std::sync::Arc;

use abi::Errno;
use abi::file::{
    STATX_ATTR_FLAGS, STATX_ATTR_MOUNT_ROOT, STATX_BASIC_STATS, STATX_BTIME, STATX_MNT_ID, STATX_RESERVED,
    Statx, StatxTimestamp,
};
use kernel::{Task, UserPtr};
use vfs::ops::Status;
use vfs::resolve::AtFlags;
use vfs::{Fd, Freshness, MountRecord, StatusQuery, Timestamp};

use super::at::at_or_empty;
use crate::argument::PathPtr;

/// `STATX_MNT_ID_UNIQUE`: the id of the mount that is never used again.
const STATX_MNT_ID_UNIQUE: u32 = 0x4000;

const fn time(at: Timestamp) -> StatxTimestamp {
    StatxTimestamp { sec: at.seconds, nsec: at.nanoseconds, reserved: 0 }
}

/// All that is known is told, whatever was asked for; but of the two ids of the mount one.
fn statx_of(task: &Task, status: &Status, wanted: u32) -> Statx {
    let attributes = &status.attributes;
    let user = &task.credentials().user;
    let mode = attributes.kind.mode_bits() | attributes.mode;
    let born = attributes.born.map_or(0, |_| STATX_BTIME);
    let (mount, mount_known) = if wanted & STATX_MNT_ID_UNIQUE == 0 {
        (status.mount, STATX_MNT_ID)
    } else {
        (MountRecord::unique(status.mount), STATX_MNT_ID_UNIQUE)
    };
    let flags = attributes.flags.map(|flags| u64::from(flags.bits()) & STATX_ATTR_FLAGS);
    let root = if status.mount_root { STATX_ATTR_MOUNT_ROOT } else { 0 };
    Statx {
        mask: STATX_BASIC_STATS | mount_known | born,
        blksize: attributes.block_size,
        attributes: root | flags.unwrap_or(0),
        nlink: u32::try_from(attributes.links).unwrap_or(u32::MAX),
        uid: user.shown_uid(attributes.owner.uid),
        gid: user.shown_gid(attributes.owner.gid),
        mode: u16::try_from(mode).unwrap_or_default(),
        ino: attributes.inode,
        size: attributes.size,
        blocks: attributes.blocks,
        attributes_mask: STATX_ATTR_MOUNT_ROOT | flags.map_or(0, |_| STATX_ATTR_FLAGS),
        atime: time(attributes.accessed),
        btime: attributes.born.map(time).unwrap_or_default(),
        ctime: time(attributes.changed),
        mtime: time(attributes.modified),
        rdev_major: attributes.device.major,
        rdev_minor: attributes.device.minor,
        dev_major: status.device.major,
        dev_minor: status.device.minor,
        mnt_id: mount,
        ..Statx::default()
    }
}

/// statx(2).
///
/// # Errors
/// Those of the path, `EINVAL` for unknown flags or a reserved bit in the mask, `EFAULT`.
pub fn statx(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    flags: u32,
    mask: u32,
    into: UserPtr<Statx>,
) -> Result<(), Errno> {
    let sync = AtFlags::STATX_FORCE_SYNC | AtFlags::STATX_DONT_SYNC;
    let known = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::EMPTY_PATH | sync;
    let flags = AtFlags::parse(flags, known)?;
    if mask & STATX_RESERVED != 0 || flags.contains(sync) {
        return Err(Errno::EINVAL);
    }
    let freshness = if flags.contains(AtFlags::STATX_FORCE_SYNC) {
        Freshness::Forced
    } else if flags.contains(AtFlags::STATX_DONT_SYNC) {
        Freshness::Known
    } else {
        Freshness::Usual
    };
    let query = StatusQuery { fields: mask, freshness };
    let lookup = flags.lookup();
    let status =
        at_or_empty(task, directory, path, flags, |caller, at| caller.status_for(at, lookup, &query))?;
    into.write(&*task.memory(), &statx_of(task, &status, mask))
}

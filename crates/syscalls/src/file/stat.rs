//! stat(2), lstat(2), fstat(2), newfstatat(2).

use std::sync::Arc;

use abi::Errno;
use abi::file::Stat;
use abi::time::Timespec;
use kernel::{Task, UserPtr};
use vfs::caller::{Caller, Found};
use vfs::ops::Status;
use vfs::resolve::{AtFlags, Lookup};
use vfs::{At, Credentials, Fd, StatusQuery, Timestamp};

use super::at::{FDCWD, at, at_or_empty};
use crate::argument::PathPtr;

const fn time(at: Timestamp) -> Timespec {
    Timespec { sec: at.seconds, nsec: at.nanoseconds as i64 }
}

fn stat_of(credentials: &Credentials, status: &Status) -> Stat {
    let attributes = &status.attributes;
    let user = &credentials.user;
    Stat {
        dev: status.device.encode(),
        ino: attributes.inode,
        nlink: attributes.links,
        mode: attributes.kind.mode_bits() | attributes.mode,
        uid: user.shown_uid(attributes.owner.uid),
        gid: user.shown_gid(attributes.owner.gid),
        pad: 0,
        rdev: attributes.device.encode(),
        size: attributes.size,
        blksize: u64::from(attributes.block_size),
        blocks: attributes.blocks,
        atime: time(attributes.accessed),
        mtime: time(attributes.modified),
        ctime: time(attributes.changed),
        unused: [0; 3],
    }
}

fn stat_at(caller: &Caller<'_>, at: &At<'_>, lookup: Lookup) -> Result<Stat, Errno> {
    Ok(stat_of(caller.credentials, &caller.status(at, lookup)?))
}

/// stat(2).
///
/// # Errors
/// Those of the path, `EFAULT`.
pub fn stat(task: &Arc<Task>, path: PathPtr, into: UserPtr<Stat>) -> Result<(), Errno> {
    let stat = at(task, FDCWD, path, |caller, at| stat_at(caller, at, Lookup::FOLLOW))?;
    into.write(&*task.memory(), &stat)
}

/// lstat(2).
///
/// # Errors
/// As [`stat`].
pub fn lstat(task: &Arc<Task>, path: PathPtr, into: UserPtr<Stat>) -> Result<(), Errno> {
    let stat = at(task, FDCWD, path, |caller, at| stat_at(caller, at, Lookup::empty()))?;
    into.write(&*task.memory(), &stat)
}

/// fstat(2).
///
/// # Errors
/// `EBADF`, `EFAULT`.
pub fn fstat(task: &Arc<Task>, fd: Fd, into: UserPtr<Stat>) -> Result<(), Errno> {
    let status = Status::of(&Found::of(task.files().get(fd)?), &StatusQuery::default())?;
    into.write(&*task.memory(), &stat_of(&task.credentials(), &status))
}

/// newfstatat(2).
///
/// # Errors
/// As [`stat`], `EINVAL` for unknown flags.
pub fn newfstatat(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    into: UserPtr<Stat>,
    flags: u32,
) -> Result<(), Errno> {
    let known = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::EMPTY_PATH;
    let flags = AtFlags::parse(flags, known)?;
    let stat = at_or_empty(task, directory, path, flags, |caller, at| stat_at(caller, at, flags.lookup()))?;
    into.write(&*task.memory(), &stat)
}

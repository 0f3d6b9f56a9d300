//! quotactl(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserAddr};
use vfs::FileKind;
use vfs::resolve::Lookup;

use super::at::{FDCWD, at};
use crate::argument::PathPtr;

/// Quotas of users, groups and projects.
const KINDS: u32 = 3;
/// `Q_SYNC`.
const SYNC: u32 = 0x80_0001;

/// quotactl(2): no filesystem keeps quotas, and none lies on a block device.
///
/// # Errors
/// `EINVAL` for an unknown kind, `ENOTBLK` for what is no block device, `ENODEV` for what is one, and those of the path.
pub fn quotactl(
    task: &Arc<Task>,
    command: u32,
    device: PathPtr,
    _id: u32,
    _address: UserAddr,
) -> Result<(), Errno> {
    let (what, kind) = (command >> 8, command & 0xff);
    if kind >= KINDS {
        return Err(Errno::EINVAL);
    }
    if device.0.is_null() {
        // Everything is written back: nothing is left to do.
        return if what == SYNC { Ok(()) } else { Err(Errno::ENODEV) };
    }
    let found = at(task, FDCWD, device, |caller, at| caller.find(at, Lookup::FOLLOW)?.attributes())?;
    Err(if found.kind == FileKind::BlockDevice { Errno::ENODEV } else { Errno::ENOTBLK })
}

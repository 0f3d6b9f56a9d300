//! Which file a descriptor refers to.

use std::os::fd::AsFd;

use abi::Errno;
use rustix::fs::fstat;

use crate::errno_of;

/// The host's device and inode number.
///
/// # Errors
/// What fstat(2) reports.
pub fn of(fd: impl AsFd) -> Result<(u64, u64), Errno> {
    let stat = fstat(fd).map_err(errno_of)?;
    Ok((stat.st_dev, stat.st_ino))
}

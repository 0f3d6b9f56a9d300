//! mlock(2) and its relatives, and mincore(2).
//!
//! Nothing is pinned: a guest that could pin memory could take it from the machine. The calls check what Linux checks, so that programs
//! that lock keys as a precaution go on.

use std::sync::Arc;

use abi::Errno;
use abi::memory::PAGE_SIZE;
use kernel::limits::{INFINITY, Resource};
use kernel::{Task, UserAddr};
use vfs::Capability;

use super::map::may_lock;

/// `MLOCK_ONFAULT` of mlock2(2).
const ONFAULT: u32 = 1;
/// `MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT`.
const MCL_KNOWN: u32 = 7;
/// `MCL_ONFAULT` alone means nothing.
const MCL_ONFAULT: u32 = 4;
/// Pages that one call of mincore(2) answers at a time.
const VECTOR: usize = 65_536;

/// Whether all of a range is mapped.
fn mapped(task: &Task, address: u64, length: u64) -> Result<(), Errno> {
    let start = address & !(PAGE_SIZE - 1);
    let end = address.checked_add(length).ok_or(Errno::EINVAL)?;
    let mut at = start;
    for mapping in task.memory().mappings()? {
        if at >= mapping.start && at < mapping.end {
            at = mapping.end;
        }
    }
    if at >= end { Ok(()) } else { Err(Errno::ENOMEM) }
}

/// mlock(2).
///
/// # Errors
/// `EPERM`, `ENOMEM`, `EINVAL`.
pub fn mlock(task: &Arc<Task>, address: u64, length: u64) -> Result<(), Errno> {
    may_lock(task, length)?;
    mapped(task, address, length)
}

/// mlock2(2).
///
/// # Errors
/// As mlock.
pub fn mlock2(task: &Arc<Task>, address: u64, length: u64, flags: u32) -> Result<(), Errno> {
    if flags & !ONFAULT != 0 {
        return Err(Errno::EINVAL);
    }
    mlock(task, address, length)
}

/// munlock(2).
///
/// # Errors
/// `ENOMEM`, `EINVAL`.
pub fn munlock(task: &Arc<Task>, address: u64, length: u64) -> Result<(), Errno> {
    mapped(task, address, length)
}

/// mlockall(2).
///
/// # Errors
/// `EINVAL`, `EPERM`.
pub fn mlockall(task: &Arc<Task>, flags: u32) -> Result<(), Errno> {
    if flags == 0 || flags & !MCL_KNOWN != 0 || flags == MCL_ONFAULT {
        return Err(Errno::EINVAL);
    }
    let limit = task.group.limits.lock().get(Resource::Memlock).soft;
    if task.credentials().has(Capability::IpcLock) || limit == INFINITY {
        return Ok(());
    }
    Err(if limit == 0 { Errno::EPERM } else { Errno::ENOMEM })
}

/// munlockall(2).
///
/// # Errors
/// None.
pub fn munlockall(_: &Arc<Task>) -> Result<(), Errno> {
    Ok(())
}

/// mincore(2): every mapped page is said to be in memory.
///
/// # Errors
/// `EINVAL`, `ENOMEM`, `EFAULT`.
pub fn mincore(task: &Arc<Task>, address: u64, length: u64, vector: UserAddr) -> Result<(), Errno> {
    if !address.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    let last = task.kernel.platform.address_range().end;
    if address.checked_add(length).is_none_or(|end| end > last) {
        return Err(Errno::ENOMEM);
    }
    mapped(task, address, length)?;
    let mut left = usize::try_from(length.div_ceil(PAGE_SIZE)).map_err(|_| Errno::ENOMEM)?;
    let mut at = vector;
    let ones = vec![1; left.min(VECTOR)];
    while left > 0 {
        let piece = ones.get(..left.min(VECTOR)).unwrap_or_default();
        kernel::memory::write_all(&*task.memory(), at, piece)?;
        left -= piece.len();
        at = at.offset(piece.len() as u64);
    }
    Ok(())
}

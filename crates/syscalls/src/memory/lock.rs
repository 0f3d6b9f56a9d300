//! mlock(2) and its relatives: see [`kernel::memory_locks`].

use std::sync::Arc;

use abi::Errno;
use abi::memory::{PAGE_SIZE, Protection};
use kernel::Task;
use kernel::limits::{INFINITY, Resource};
use platform::{Advice, Mapping, Order};
use vfs::Capability;

/// `MLOCK_ONFAULT` of mlock2(2).
const ONFAULT: u32 = 1;
const MCL_CURRENT: u32 = 1;
const MCL_FUTURE: u32 = 2;
const MCL_ONFAULT: u32 = 4;

const MADV_POPULATE_READ: i32 = 22;
const MADV_POPULATE_WRITE: i32 = 23;

/// Whole pages that hold a range.
fn pages(address: u64, length: u64) -> Result<core::ops::Range<u64>, Errno> {
    let start = address & !(PAGE_SIZE - 1);
    let end = address.checked_add(length).and_then(|end| end.checked_next_multiple_of(PAGE_SIZE));
    Ok(start..end.ok_or(Errno::EINVAL)?)
}

/// Whether all of a range is mapped.
pub(super) fn mapped(task: &Task, address: u64, length: u64) -> Result<(), Errno> {
    let range = pages(address, length)?;
    covers(&task.memory().mappings()?, &range)
}

fn covers(mappings: &[Mapping], range: &core::ops::Range<u64>) -> Result<(), Errno> {
    let mut at = range.start;
    for mapping in mappings {
        if at >= mapping.start && at < mapping.end {
            at = mapping.end;
        }
    }
    if at >= range.end { Ok(()) } else { Err(Errno::ENOMEM) }
}

/// Whether `more` bytes may be locked besides those that are.
///
/// # Errors
/// `EPERM` if none may, `ENOMEM`.
pub(crate) fn may_lock(task: &Task, more: u64) -> Result<(), Errno> {
    let limit = task.group.limits.lock().get(Resource::Memlock).soft;
    if limit == INFINITY || task.credentials().has(Capability::IpcLock) {
        return Ok(());
    }
    if limit == 0 {
        return Err(Errno::EPERM);
    }
    let locked = task.space().locks.total(&task.memory().mappings()?);
    if locked.saturating_add(more) > limit { Err(Errno::ENOMEM) } else { Ok(()) }
}

/// What brings the pages of a range into memory. Pages that cannot be accessed are left out, as Linux leaves them out.
fn populate(mappings: &[Mapping], range: &core::ops::Range<u64>) -> Vec<Order> {
    let reaching = mappings.iter().filter(|m| m.start < range.end && m.end > range.start);
    let order = |m: &Mapping| {
        let has = |bit: Protection| m.protection & bit.bits() != 0;
        let advice = match (has(Protection::READ), has(Protection::WRITE)) {
            (true, true) if !m.shared => MADV_POPULATE_WRITE,
            (true, _) => MADV_POPULATE_READ,
            (false, true) => MADV_POPULATE_WRITE,
            _ => return None,
        };
        let (start, end) = (m.start.max(range.start), m.end.min(range.end));
        let own = m.host_name.starts_with("[v");
        (!own).then_some(Order::Advise { address: start, length: end - start, advice: Advice(advice) })
    };
    reaching.filter_map(order).collect()
}

/// As Linux turns failures to bring pages in into those of mlock(2).
const fn posix(errno: Errno) -> Errno {
    match errno {
        Errno::EFAULT => Errno::ENOMEM,
        Errno::ENOMEM => Errno::EAGAIN,
        errno => errno,
    }
}

/// mlock(2).
///
/// # Errors
/// `EPERM`, `ENOMEM`, `EINVAL`, `EAGAIN`.
pub async fn mlock(task: &Arc<Task>, address: u64, length: u64) -> Result<(), Errno> {
    mlock2(task, address, length, 0).await
}

/// mlock2(2).
///
/// # Errors
/// As mlock.
pub async fn mlock2(task: &Arc<Task>, address: u64, length: u64, flags: u32) -> Result<(), Errno> {
    if flags & !ONFAULT != 0 {
        return Err(Errno::EINVAL);
    }
    may_lock(task, 0)?;
    let range = pages(address, length)?;
    let mappings = task.memory().mappings()?;
    let locks = &task.space().locks;
    let already =
        mappings.iter().map(|m| within(m, &range)).map(|m| locks.of(&m)).fold(0, u64::saturating_add);
    may_lock(task, (range.end - range.start).saturating_sub(already))?;
    locks.set(range.clone(), true)?;
    covers(&mappings, &range)?;
    if flags & ONFAULT == 0 {
        let done = task.perform(populate(&mappings, &range)).await?;
        done.into_iter().collect::<Result<Vec<_>, _>>().map_err(posix)?;
    }
    Ok(())
}

/// The part of a mapping that lies in a range.
fn within(mapping: &Mapping, range: &core::ops::Range<u64>) -> Mapping {
    let start = mapping.start.clamp(range.start, range.end);
    Mapping { start, end: mapping.end.clamp(start, range.end), ..mapping.clone() }
}

/// munlock(2).
///
/// # Errors
/// `ENOMEM`, `EINVAL`.
pub fn munlock(task: &Arc<Task>, address: u64, length: u64) -> Result<(), Errno> {
    let range = pages(address, length)?;
    task.space().locks.set(range, false)?;
    mapped(task, address, length)
}

/// mlockall(2).
///
/// # Errors
/// `EINVAL`, `EPERM`, `ENOMEM`.
pub async fn mlockall(task: &Arc<Task>, flags: u32) -> Result<(), Errno> {
    let known = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;
    if flags & !known != 0 || flags & (MCL_CURRENT | MCL_FUTURE) == 0 {
        return Err(Errno::EINVAL);
    }
    may_lock(task, 0)?;
    let mappings = task.memory().mappings()?;
    let current = flags & MCL_CURRENT != 0;
    if current {
        let locked = task.space().locks.total(&mappings);
        let all = mappings.iter().map(|m| m.end.saturating_sub(m.start)).fold(0, u64::saturating_add);
        may_lock(task, all.saturating_sub(locked))?;
    }
    task.space().locks.set_all(&mappings, current, flags & MCL_FUTURE != 0)?;
    if current && flags & MCL_ONFAULT == 0 {
        // Linux ignores pages that cannot be had here.
        task.perform(populate(&mappings, &(0..u64::MAX))).await?;
    }
    Ok(())
}

/// munlockall(2).
///
/// # Errors
/// None.
pub fn munlockall(task: &Arc<Task>) -> Result<(), Errno> {
    task.space().locks.clear();
    Ok(())
}

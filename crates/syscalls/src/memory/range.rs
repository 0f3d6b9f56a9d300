//! munmap(2), mprotect(2), mremap(2), madvise(2), msync(2): those that the guest could not do natively.

use std::sync::Arc;

use abi::Errno;
use abi::memory::{PAGE_SIZE, Protection, RemapFlags, SyncFlags};
use kernel::{Outcome, Task};
use platform::stubs::filter::table::STUB_ADVICE;
use platform::{Advice, Mapping, Order};

/// `MADV_HWPOISON` and `MADV_SOFT_OFFLINE`: they break memory of the whole machine.
const POISON: [i32; 2] = [100, 101];

fn aligned(address: u64) -> Result<(), Errno> {
    if address.is_multiple_of(PAGE_SIZE) { Ok(()) } else { Err(Errno::EINVAL) }
}

fn one(order: Order) -> Outcome {
    Outcome::Orders(vec![order])
}

/// Unmaps.
///
/// # Errors
/// `EINVAL`, `ENOMEM`.
pub fn munmap(_: &Arc<Task>, address: u64, length: u64) -> Result<Outcome, Errno> {
    aligned(address)?;
    Ok(one(Order::Unmap { address, length }))
}

/// Changes protection.
///
/// # Errors
/// `EINVAL`, `ENOMEM`, `EACCES`.
pub fn mprotect(_: &Arc<Task>, address: u64, length: u64, protection: u32) -> Result<Outcome, Errno> {
    aligned(address)?;
    if Protection::from_bits(protection).is_none() {
        return Err(Errno::EINVAL);
    }
    Ok(one(Order::Protect { address, length, protection }))
}

/// Moves or resizes a mapping.
///
/// # Errors
/// `EINVAL`, `EFAULT`, `ENOMEM`, `EAGAIN`.
pub fn mremap(
    _: &Arc<Task>,
    address: u64,
    old_length: u64,
    new_length: u64,
    flags: u32,
    new_address: u64,
) -> Result<Outcome, Errno> {
    aligned(address)?;
    let known = RemapFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
    if known.contains(RemapFlags::FIXED) {
        aligned(new_address)?;
    }
    Ok(one(Order::Remap { address, old_length, new_length, flags, new_address }))
}

/// Gives advice.
///
/// # Errors
/// `EINVAL` for advice that is not passed on, `EPERM` for the kinds that concern the machine.
pub fn madvise(_: &Arc<Task>, address: u64, length: u64, advice: i32) -> Result<Outcome, Errno> {
    vetted(address, advice)?;
    Ok(one(Order::Advise { address, length, advice: Advice(advice) }))
}

/// Whether advice is passed on.
pub(super) fn vetted(address: u64, advice: i32) -> Result<(), Errno> {
    aligned(address)?;
    if POISON.contains(&advice) {
        return Err(Errno::EPERM);
    }
    let known = u32::try_from(advice).is_ok_and(|number| STUB_ADVICE.contains(&number));
    if known { Ok(()) } else { Err(Errno::EINVAL) }
}

/// mseal(2). Call sites of a process that seals memory are not patched any longer: their pages could not be replaced.
///
/// # Errors
/// `EINVAL`, `ENOMEM`; `ENOSYS` on hosts that do not seal.
pub fn mseal(_: &Arc<Task>, address: u64, length: u64, flags: u64) -> Result<Outcome, Errno> {
    aligned(address)?;
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    Ok(Outcome::Orders(vec![Order::Patch { allowed: false }, Order::Seal { address, length }]))
}

/// Writes a shared mapping back.
///
/// # Errors
/// `EINVAL`, `ENOMEM`, `EBUSY`.
pub fn msync(task: &Arc<Task>, address: u64, length: u64, flags: u32) -> Result<Outcome, Errno> {
    aligned(address)?;
    let known = SyncFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
    if known.contains(SyncFlags::SYNC | SyncFlags::ASYNC) {
        return Err(Errno::EINVAL);
    }
    if known.contains(SyncFlags::INVALIDATE) {
        let locks = &task.space().locks;
        let range = address..address.saturating_add(length);
        let locked = |m: &Mapping| m.start < range.end && m.end > range.start && locks.of(m) > 0;
        if task.memory().mappings()?.iter().any(locked) {
            return Err(Errno::EBUSY);
        }
    }
    if known.contains(SyncFlags::SYNC) {
        let range = address..address.saturating_add(length);
        task.space().mapped_together(&range)?.iter().try_for_each(|file| file.write_mapped())?;
    }
    Ok(one(Order::Sync { address, length, flags }))
}

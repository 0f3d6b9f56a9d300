//! shmget(2), shmat(2), shmdt(2), shmctl(2).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use abi::Errno;
use abi::ipc::*;
use abi::memory::{MAP_SHARED, MapFlags, PAGE_SIZE, Protection};
use kernel::ipc::{Attachment, Entry, Segment};
use kernel::{Task, UserAddr, UserPtr};
use platform::{Order, Source};
use vfs::Capability;

/// Attachments of an address space at most: what `vm.max_map_count` usually is.
const ATTACHMENTS_MAX: usize = 65_530;

/// shmget(2).
///
/// # Errors
/// Those of shmget(2); `ENOSPC` also if all segments together would be larger than the machine's memory.
pub fn shmget(task: &Arc<Task>, key: i32, size: u64, flags: i32) -> Result<i32, Errno> {
    let ipc = task.ipc();
    let limits = &ipc.limits;
    let fits = |segment: &Segment| if segment.size < size { Err(Errno::EINVAL) } else { Ok(()) };
    let make = |all: &[Arc<Entry<Segment>>]| {
        if size == 0 || size > limits.segment_bytes.get() {
            return Err(Errno::EINVAL);
        }
        if flags & SHM_HUGETLB != 0 {
            // As on a kernel without hugetlbfs.
            return Err(Errno::ENOSYS);
        }
        let used: u64 = all.iter().map(|entry| entry.object.size).fold(0, u64::saturating_add);
        let pages =
            all.iter().map(|entry| entry.object.size.div_ceil(PAGE_SIZE)).fold(0, u64::saturating_add);
        let too_many = pages.saturating_add(size.div_ceil(PAGE_SIZE)) > limits.segment_pages.get();
        if too_many || used.saturating_add(size) > host::system::machine().total_memory {
            return Err(Errno::ENOSPC);
        }
        let whole = size.checked_next_multiple_of(PAGE_SIZE).ok_or(Errno::EINVAL)?;
        Segment::new(size, whole, task.pid())
    };
    ipc.segments.get(&task.credentials(), (key, flags), limits.segments.count(), fits, make)
}

/// shmat(2). Returns where it was attached.
///
/// # Errors
/// Those of shmat(2).
pub async fn shmat(task: &Arc<Task>, id: i32, address: u64, flags: i32) -> Result<u64, Errno> {
    let segment = task.ipc().segments.find(id)?;
    let at = match (address, address % PAGE_SIZE) {
        (0, _) if flags & SHM_REMAP != 0 => return Err(Errno::EINVAL),
        (_, 0) => address,
        (_, rest) if flags & SHM_RND != 0 => address - rest,
        _ => return Err(Errno::EINVAL),
    };
    let (writable, executable) = (flags & SHM_RDONLY == 0, flags & SHM_EXEC != 0);
    let rights = 4 | if writable { 2 } else { 0 } | u32::from(executable);
    segment.may(&task.credentials(), rights)?;
    let space = task.space();
    if space.shared_memory.lock().len() >= ATTACHMENTS_MAX {
        return Err(Errno::ENOMEM);
    }
    // Counted before it is mapped, so that it does not go meanwhile.
    let attachment = Attachment::new(&task.ipc(), Arc::clone(&segment), task.pid());
    segment.present()?;
    let mut protection = Protection::READ;
    protection.set(Protection::WRITE, writable);
    protection.set(Protection::EXEC, executable);
    let fixed = match (at, flags & SHM_REMAP) {
        (0, _) => MapFlags::empty(),
        (_, 0) => MapFlags::FIXED_NOREPLACE,
        _ => MapFlags::FIXED,
    };
    let order = Order::Map {
        address: at,
        length: length(&segment)?,
        protection: protection.bits(),
        flags: fixed.bits() | MAP_SHARED,
        source: Source::File { file: Arc::new(segment.object.host(writable)?), offset: 0 },
    };
    let mapped = task.perform(vec![order]).await?.pop().unwrap_or(Err(Errno::ENOMEM));
    let mapped = mapped.map_err(|error| if error == Errno::EEXIST { Errno::EINVAL } else { error })?;
    let old = space.shared_memory.lock().insert(mapped, attachment);
    drop(old);
    Ok(mapped)
}

fn length(segment: &Entry<Segment>) -> Result<u64, Errno> {
    segment.object.size.checked_next_multiple_of(PAGE_SIZE).ok_or(Errno::EINVAL)
}

/// shmdt(2).
///
/// # Errors
/// `EINVAL` if nothing was attached there.
pub async fn shmdt(task: &Arc<Task>, address: u64) -> Result<(), Errno> {
    let space = task.space();
    let attachment = space.shared_memory.lock().remove(&address).ok_or(Errno::EINVAL)?;
    let length = length(&attachment.segment)?;
    task.perform(vec![Order::Unmap { address, length }]).await?;
    drop(attachment);
    Ok(())
}

/// shmctl(2).
///
/// # Errors
/// Those of shmctl(2).
pub fn shmctl(task: &Arc<Task>, id: i32, command: i32, buffer: UserAddr) -> Result<i32, Errno> {
    let ipc = task.ipc();
    let segments = &ipc.segments;
    let memory = task.memory();
    let caller = task.credentials();
    match command {
        IPC_INFO => {
            let (max, all) = (ipc.limits.segment_bytes.get(), ipc.limits.segment_pages.get());
            let most = ipc.limits.segments.get();
            let info = Shminfo { max, min: 1, segments: most, per_process: most, all, ..Shminfo::default() };
            UserPtr::new(buffer.0).write(&*memory, &info)?;
            Ok(segments.highest_place())
        }
        SHM_INFO => {
            UserPtr::new(buffer.0).write(&*memory, &totals(&segments.all()))?;
            Ok(segments.highest_place())
        }
        IPC_STAT | SHM_STAT | SHM_STAT_ANY => {
            let by_place = command != IPC_STAT;
            let segment = if by_place { segments.at(id)? } else { segments.find(id)? };
            if command != SHM_STAT_ANY {
                segment.may(&caller, 4)?;
            }
            UserPtr::new(buffer.0).write(&*memory, &status(task, &segment))?;
            Ok(if by_place { segment.id } else { 0 })
        }
        IPC_SET => {
            let new: ShmidDs = UserPtr::new(buffer.0).read(&*memory)?;
            segments.find(id)?.set_owner(&caller, &new.perm).map(|()| 0)
        }
        IPC_RMID => {
            let segment = segments.find(id)?;
            segment.owned_by(&caller)?;
            segment.object.doomed.store(true, Ordering::Release);
            segments.forget_key(&segment);
            if segment.object.attachments.load(Ordering::Acquire) == 0 {
                segments.remove(&segment);
            }
            Ok(0)
        }
        SHM_LOCK | SHM_UNLOCK => {
            let segment = segments.find(id)?;
            if !caller.has_in(Capability::IpcLock, &task.ipc().user) {
                segment.owned_by(&caller)?;
                if command == SHM_LOCK {
                    crate::memory::lock::may_lock(task, segment.object.size)?;
                }
            }
            segment.object.locked.store(command == SHM_LOCK, Ordering::Relaxed);
            Ok(0)
        }
        _ => Err(Errno::EINVAL),
    }
}

fn status(task: &Task, segment: &Entry<Segment>) -> ShmidDs {
    let object = &segment.object;
    let mut perm = segment.perm(&task.credentials());
    if object.doomed.load(Ordering::Acquire) {
        perm.mode |= SHM_DEST;
    }
    if object.locked.load(Ordering::Relaxed) {
        perm.mode |= SHM_LOCKED;
    }
    let time = |at: &AtomicI64| at.load(Ordering::Relaxed);
    let count = |of: &AtomicU64| of.load(Ordering::Acquire);
    ShmidDs {
        perm,
        size: object.size,
        attached: time(&object.attached),
        detached: time(&object.detached),
        changed: time(&segment.changed),
        creator: task.pids().shown(object.creator),
        last: task.pids().shown(object.last.load(Ordering::Relaxed)),
        attachments: count(&object.attachments),
        ..ShmidDs::default()
    }
}

/// In pages.
fn totals(all: &[Arc<Entry<Segment>>]) -> ShmInfo {
    let pages = |bytes: u64| bytes.div_ceil(PAGE_SIZE);
    ShmInfo {
        used: i32::try_from(all.len()).unwrap_or(i32::MAX),
        total: all.iter().map(|s| pages(s.object.size)).fold(0, u64::saturating_add),
        resident: all.iter().map(|s| pages(s.object.resident())).fold(0, u64::saturating_add),
        ..ShmInfo::default()
    }
}

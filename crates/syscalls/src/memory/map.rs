//! mmap(2).

use std::sync::Arc;

use abi::Errno;
use abi::memory::{MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, MAP_TYPE, MapFlags, PAGE_SIZE, Protection};
use kernel::{Outcome, Task};
use platform::{Order, Source};
use vfs::mount_flags::MountFlags;
use vfs::{Fd, InodeFlags, MapSource, OpenFile, OpenFlags};

use super::lock;

/// What a stub takes: the rest is decided here.
const PASSED: MapFlags = MapFlags::FIXED
    .union(MapFlags::BIT32)
    .union(MapFlags::NORESERVE)
    .union(MapFlags::POPULATE)
    .union(MapFlags::NONBLOCK)
    .union(MapFlags::STACK)
    .union(MapFlags::GROWSDOWN)
    .union(MapFlags::FIXED_NOREPLACE);

/// Maps a file or anonymous memory.
///
/// # Errors
/// Those of mmap(2).
pub async fn mmap(
    task: &Arc<Task>,
    address: u64,
    length: u64,
    protection: u32,
    flags: u32,
    fd: Fd,
    offset: u64,
) -> Result<Outcome, Errno> {
    let kind = flags & MAP_TYPE;
    let shared = match kind {
        MAP_PRIVATE => false,
        MAP_SHARED | MAP_SHARED_VALIDATE => true,
        _ => return Err(Errno::EINVAL),
    };
    let known = MapFlags::from_bits(flags & !MAP_TYPE);
    if kind == MAP_SHARED_VALIDATE && known.is_none_or(|f| f.contains(MapFlags::SYNC)) {
        return Err(Errno::EOPNOTSUPP);
    }
    let flags = MapFlags::from_bits_truncate(flags & !MAP_TYPE);
    if !offset.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    if !flags.contains(MapFlags::ANONYMOUS) {
        task.files().get(fd)?;
    }
    if length == 0 {
        return Err(Errno::EINVAL);
    }
    let length = length.checked_next_multiple_of(PAGE_SIZE).ok_or(Errno::ENOMEM)?;
    if length > task.kernel.platform.address_range().end {
        return Err(Errno::ENOMEM);
    }
    let fixed = flags.intersects(MapFlags::FIXED | MapFlags::FIXED_NOREPLACE);
    if fixed && !address.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    let mut passed = flags & PASSED;
    if flags.contains(MapFlags::LOCKED) {
        lock::may_lock(task, length)?;
        passed |= MapFlags::POPULATE;
    }
    let source = if flags.contains(MapFlags::ANONYMOUS) {
        if flags.contains(MapFlags::HUGETLB) {
            // As on a kernel whose administrator has set no huge pages aside.
            return Err(Errno::ENOMEM);
        }
        Source::Anonymous
    } else {
        let wanted = Protection::from_bits_truncate(protection);
        file(task, fd, wanted, shared, offset, length)?
    };
    let order = Order::Map {
        address: address & !(PAGE_SIZE - 1),
        length,
        protection: protection & (Protection::READ | Protection::WRITE | Protection::EXEC).bits(),
        flags: passed.bits() | if shared { MAP_SHARED } else { MAP_PRIVATE },
        source,
    };
    if !flags.contains(MapFlags::LOCKED) {
        return Ok(Outcome::Orders(vec![order]));
    }
    let at = task.perform(vec![order]).await?.pop().unwrap_or(Err(Errno::ENOMEM))?;
    task.space().locks.set(at..at.saturating_add(length), true)?;
    Ok(Outcome::from(at))
}

/// What is mapped of a file.
fn file(
    task: &Arc<Task>,
    fd: Fd,
    protection: Protection,
    shared: bool,
    offset: u64,
    length: u64,
) -> Result<Source, Errno> {
    let open = task.files().get(fd)?;
    let end = offset.checked_add(length).ok_or(Errno::EOVERFLOW)?;
    if i64::try_from(end).is_err() {
        return Err(Errno::EOVERFLOW);
    }
    check_access(&open, protection, shared)?;
    Ok(match open.file.map_range(protection.bits(), shared, offset, length)? {
        MapSource::Host(host) => {
            let writes = shared && open.flags().writes();
            let stays = open.file.stays_for_mapping().then(|| (writes, Arc::clone(&open.file)));
            task.note_mapping(&host, open.path.as_ref(), stays);
            Source::File { file: host, offset }
        }
        MapSource::Anonymous => Source::Anonymous,
    })
}

fn check_access(open: &OpenFile, protection: Protection, shared: bool) -> Result<(), Errno> {
    let flags = open.flags();
    if flags.contains(OpenFlags::PATH) {
        return Err(Errno::EBADF);
    }
    if !flags.reads() || (shared && protection.contains(Protection::WRITE) && !flags.writes()) {
        return Err(Errno::EACCES);
    }
    if shared && flags.writes() && open.has_inode_flag(InodeFlags::APPEND) {
        return Err(Errno::EACCES);
    }
    let no_exec = open.path.as_ref().is_some_and(|p| p.mount.flags().contains(MountFlags::NOEXEC));
    if no_exec && protection.contains(Protection::EXEC) {
        return Err(Errno::EPERM);
    }
    Ok(())
}

//! inotify_init(2), inotify_add_watch(2), inotify_rm_watch(2).

use std::sync::Arc;

use abi::Errno;
use abi::inotify::WatchBits;
use anon::Inotify;
use kernel::Task;
use vfs::{Access, Fd, FileKind, Lookup, OpenFile, OpenFlags};

use crate::argument::PathPtr;
use crate::file::at::{FDCWD, at};
use crate::file::descriptor;

/// inotify_init(2).
///
/// # Errors
/// `EMFILE`.
pub fn inotify_init(task: &Arc<Task>) -> Result<Fd, Errno> {
    inotify_init1(task, 0)
}

/// inotify_init1(2).
///
/// # Errors
/// `EINVAL` for unknown flags, `EMFILE`.
pub fn inotify_init1(task: &Arc<Task>, flags: u32) -> Result<Fd, Errno> {
    let known = OpenFlags::CLOEXEC | OpenFlags::NONBLOCK;
    let flags = OpenFlags::from_bits(flags).filter(|f| known.contains(*f)).ok_or(Errno::EINVAL)?;
    let file = Inotify::new(task.credentials().uid)?;
    // Read-only: flags of 0.
    descriptor::install_new(task, file, flags & OpenFlags::NONBLOCK, flags.contains(OpenFlags::CLOEXEC))
}

fn instance(file: &OpenFile) -> Result<&Inotify, Errno> {
    file.file.as_any().downcast_ref().ok_or(Errno::EINVAL)
}

/// inotify_add_watch(2).
///
/// # Errors
/// Those of inotify_add_watch(2).
pub fn inotify_add_watch(task: &Arc<Task>, fd: Fd, path: PathPtr, bits: u32) -> Result<i32, Errno> {
    let bits = WatchBits::from_bits(bits).filter(|bits| !bits.is_empty()).ok_or(Errno::EINVAL)?;
    let file = descriptor::get(task, fd)?;
    if bits.contains(WatchBits::MASK_ADD | WatchBits::MASK_CREATE) {
        return Err(Errno::EINVAL);
    }
    let instance = instance(&file)?;
    let mut lookup = Lookup::empty();
    lookup.set(Lookup::FOLLOW, !bits.contains(WatchBits::DONT_FOLLOW));
    let path = at(task, FDCWD, path, |caller, at| {
        let found = caller.find_path(at, lookup)?;
        let attributes = found.attributes()?;
        if bits.contains(WatchBits::ONLYDIR) && attributes.kind != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        caller.credentials.check(&attributes, Access::READ)?;
        Ok(found)
    })?;
    instance.watch(&path, bits)
}

/// inotify_rm_watch(2).
///
/// # Errors
/// `EBADF`, `EINVAL`.
pub fn inotify_rm_watch(task: &Arc<Task>, fd: Fd, watch: i32) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    instance(&file)?.remove(watch)
}

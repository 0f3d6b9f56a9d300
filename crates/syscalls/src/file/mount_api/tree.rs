//! open_tree(2), move_mount(2): mounts by descriptor.

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use vfs::caller::Found;
use vfs::path::Path;
use vfs::resolve::Lookup;
use vfs::{Fd, OpenFile, OpenFlags};

use crate::argument::PathPtr;
use crate::file::at::{at, at_both};
use crate::file::descriptor;

bitflags::bitflags! {
    /// Flags of open_tree(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct TreeFlags: u32 {
        const CLONE = 1;
        const SYMLINK_NOFOLLOW = 0x100;
        const NO_AUTOMOUNT = 0x800;
        const EMPTY_PATH = 0x1000;
        const RECURSIVE = 0x8000;
        const CLOEXEC = 0o2_000_000;
    }

    /// Flags of move_mount(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct MoveFlags: u32 {
        const FROM_SYMLINKS = 1;
        const FROM_AUTOMOUNTS = 2;
        const FROM_EMPTY_PATH = 4;
        const TO_SYMLINKS = 0x10;
        const TO_AUTOMOUNTS = 0x20;
        const TO_EMPTY_PATH = 0x40;
        const SET_GROUP = 0x100;
        const BENEATH = 0x200;
    }
}

/// A description that stands for a place (`O_PATH`). It keeps a mount that is attached nowhere alive.
pub(super) fn place_file(task: &Arc<Task>, place: Path) -> Arc<OpenFile> {
    OpenFile::of_place(place, OpenFlags::PATH, &task.credentials())
}

/// open_tree(2).
///
/// # Errors
/// Those of the path; `EPERM` and `EINVAL` for a copy as for a bind mount.
pub fn open_tree(task: &Arc<Task>, directory: Fd, path: PathPtr, flags: u32) -> Result<Fd, Errno> {
    let flags = TreeFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
    let file = open(task, directory, path, flags)?;
    descriptor::install(task, file, flags.contains(TreeFlags::CLOEXEC))
}

pub(super) fn open(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    flags: TreeFlags,
) -> Result<Arc<OpenFile>, Errno> {
    let clone = flags.contains(TreeFlags::CLONE);
    if flags.contains(TreeFlags::RECURSIVE) && !clone {
        return Err(Errno::EINVAL);
    }
    let mut lookup = Lookup::empty();
    lookup.set(Lookup::FOLLOW, !flags.contains(TreeFlags::SYMLINK_NOFOLLOW));
    lookup.set(Lookup::EMPTY, flags.contains(TreeFlags::EMPTY_PATH));
    let place = at(task, directory, path, |caller, at| {
        if clone {
            caller.may_mount()?;
        }
        let found = caller.find_path(at, lookup)?;
        if !clone {
            return Ok(found);
        }
        Ok(caller.clone_mounts(&found, flags.contains(TreeFlags::RECURSIVE), true)?.root_path())
    })?;
    Ok(place_file(task, place))
}

/// move_mount(2).
///
/// # Errors
/// Those of the paths and of `MS_MOVE`.
pub fn move_mount(
    task: &Arc<Task>,
    from_directory: Fd,
    from: PathPtr,
    to_directory: Fd,
    to: PathPtr,
    flags: u32,
) -> Result<(), Errno> {
    task.with_caller(|caller| caller.may_mount())?;
    let flags = MoveFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
    // Peer groups are joined by copies only.
    if flags.contains(MoveFlags::SET_GROUP) {
        return Err(Errno::EINVAL);
    }
    let lookup = |follow: MoveFlags, empty: MoveFlags| {
        let mut lookup = Lookup::empty();
        lookup.set(Lookup::FOLLOW, flags.contains(follow));
        lookup.set(Lookup::EMPTY, flags.contains(empty));
        lookup
    };
    let from_lookup = lookup(MoveFlags::FROM_SYMLINKS, MoveFlags::FROM_EMPTY_PATH);
    let to_lookup = lookup(MoveFlags::TO_SYMLINKS, MoveFlags::TO_EMPTY_PATH);
    at_both(task, (from_directory, from), (to_directory, to), |caller, from, to| {
        let from = caller.find_path(from, from_lookup)?;
        let to = caller.find(to, to_lookup).and_then(|found: Found| found.path_or(Errno::ENOTDIR))?;
        caller.move_mount_to(&from, &to, flags.contains(MoveFlags::BENEATH))
    })
}

//! mount(2), umount2(2), pivot_root(2).

use std::sync::Arc;

use abi::Errno;
use kernel::memory::read_string;
use kernel::{Task, UserAddr};
use vfs::caller::Caller;
use vfs::mount::Mount;
use vfs::mount_flags::MountFlags;
use vfs::ops::UnmountFlags;
use vfs::path::Path;
use vfs::resolve::Lookup;
use vfs::superblock::SuperBlock;
use vfs::{At, FileSystemType, MountOption, MountRequest, PropagationType};

use super::at::{FDCWD, at, at_both};
use crate::argument::PathPtr;

bitflags::bitflags! {
    /// `MS_*` flags that say what to do; the others are [`MountFlags`].
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Action: u32 {
        const REMOUNT = 0x20;
        const BIND = 0x1000;
        const MOVE = 0x2000;
        const REC = 0x4000;
        const SILENT = 0x8000;
        const UNBINDABLE = 1 << 17;
        const PRIVATE = 1 << 18;
        const SLAVE = 1 << 19;
        const SHARED = 1 << 20;
    }
}

impl Action {
    const PROPAGATION: Self = Self::UNBINDABLE.union(Self::PRIVATE).union(Self::SLAVE).union(Self::SHARED);
}

/// The upper half of the flags once had to be this.
const MAGIC: u32 = 0xc0ed_0000;
const MAGIC_MASK: u32 = 0xffff_0000;
/// The longest text of options.
const OPTIONS_MAX: usize = 4096;

/// mount(2).
///
/// # Errors
/// Those of mount(2), `ENODEV` for a type that is not known.
pub fn mount(
    task: &Arc<Task>,
    source: PathPtr,
    target: PathPtr,
    kind: UserAddr,
    flags: u32,
    data: UserAddr,
) -> Result<(), Errno> {
    let kind = text(task, kind)?;
    let options = text(task, data)?.unwrap_or_default();
    let source = if source.0.is_null() { None } else { Some(source.read(task)?) };
    let flags = if flags & MAGIC_MASK == MAGIC { flags & !MAGIC_MASK } else { flags };
    let action = Action::from_bits_truncate(flags);
    let restricts = MountFlags::from_bits_truncate(flags);
    at(task, FDCWD, target, |caller, target| {
        let given = || source.as_deref().filter(|source| !source.is_empty()).ok_or(Errno::EINVAL);
        // Whatever is wrong with the rest, a place that is not there is told first.
        let place = caller.find_path(target, Lookup::FOLLOW)?;
        caller.may_mount()?;
        if action.contains(Action::REMOUNT) {
            return caller.remount(target, restricts, action.contains(Action::BIND), &options);
        }
        if action.contains(Action::BIND) {
            return caller.bind_mount(&At::here(given()?), target, action.contains(Action::REC));
        }
        if action.intersects(Action::PROPAGATION) {
            let to = propagation(flags)?;
            return caller.change_propagation(target, to, action.contains(Action::REC));
        }
        if action.contains(Action::MOVE) {
            return caller.move_mount(&At::here(given()?), target);
        }
        let name = kind.as_deref().ok_or(Errno::EINVAL)?;
        let kind = find_type(task, name)?;
        caller.may_make(&**kind)?;
        let source = source.as_deref().unwrap_or(b"none");
        let superblock = make(caller, &**kind, name, source, &MountOption::split(&options))?;
        if restricts.contains(MountFlags::RDONLY) {
            superblock.set_read_only(true);
        }
        let mount = Mount::whole(superblock, source, restricts);
        caller.check_revealed(&**kind, &mount)?;
        caller.mount_new(&place, &mount)
    })
}

/// What the flags want a mount to become: one of the four, with nothing but `MS_REC` and `MS_SILENT` beside it.
fn propagation(flags: u32) -> Result<PropagationType, Errno> {
    match Action::from_bits(flags).map(|action| action.difference(Action::REC | Action::SILENT)) {
        Some(Action::SHARED) => Ok(PropagationType::Shared),
        Some(Action::SLAVE) => Ok(PropagationType::Slave),
        Some(Action::PRIVATE) => Ok(PropagationType::Private),
        Some(Action::UNBINDABLE) => Ok(PropagationType::Unbindable),
        _ => Err(Errno::EINVAL),
    }
}

/// The type of filesystem of a name.
///
/// # Errors
/// `ENODEV`.
pub(super) fn find_type<'a>(task: &'a Task, name: &[u8]) -> Result<&'a Arc<dyn FileSystemType>, Errno> {
    let types = task.kernel.filesystems();
    let base = name.split(|byte| *byte == b'.').next().unwrap_or_default();
    let of_name = |kind: &&Arc<dyn FileSystemType>| {
        kind.name().as_bytes() == if kind.takes_subtype() { base } else { name }
    };
    let found = types.iter().find(of_name).ok_or(Errno::ENODEV)?;
    if name.len() == base.len().saturating_add(1) { Err(Errno::EINVAL) } else { Ok(found) }
}

/// A filesystem as the options say. `ro` and `rw` among them are the VFS's.
pub(super) fn make(
    caller: &Caller<'_>,
    kind: &dyn FileSystemType,
    name: &[u8],
    source: &[u8],
    options: &[MountOption],
) -> Result<Arc<SuperBlock>, Errno> {
    kind.make(&MountRequest { caller, kind: name, source, options })
}

fn text(task: &Task, address: UserAddr) -> Result<Option<Vec<u8>>, Errno> {
    if address.is_null() {
        return Ok(None);
    }
    read_string(&*task.memory(), address, OPTIONS_MAX).map(Some)
}

/// umount2(2).
///
/// # Errors
/// Those of umount2(2).
pub fn umount2(task: &Arc<Task>, target: PathPtr, flags: u32) -> Result<(), Errno> {
    let flags = UnmountFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
    let unmount = || at(task, FDCWD, target, |caller, at| caller.unmount(at, flags));
    let done = unmount();
    if !matches!(done, Ok(()) | Err(Errno::EBUSY)) {
        return done;
    }
    // What somebody had mapped of it keeps the filesystem no longer than that, nor keeps it mounted.
    task.forget_unmapped();
    if done.is_err() { unmount() } else { done }
}

/// pivot_root(2). Every task whose root or working directory is the old root gets the new one.
///
/// # Errors
/// Those of pivot_root(2).
pub fn pivot_root(task: &Arc<Task>, new_root: PathPtr, put_old: PathPtr) -> Result<(), Errno> {
    let (old, new) = at_both(task, (FDCWD, new_root), (FDCWD, put_old), |caller, new_root, put_old| {
        caller.pivot_root(new_root, put_old)
    })?;
    for group in task.kernel.pids.groups() {
        for other in group.tasks() {
            move_root(&other, &old, &new);
        }
    }
    Ok(())
}

fn move_root(task: &Task, old: &Path, new: &Path) {
    let left = task.fs().change(|context| {
        let mut left = Vec::new();
        if context.root == *old {
            left.push(std::mem::replace(&mut context.root, new.clone()));
        }
        if context.cwd == *old {
            left.push(std::mem::replace(&mut context.cwd, new.clone()));
        }
        left
    });
    drop(left);
}

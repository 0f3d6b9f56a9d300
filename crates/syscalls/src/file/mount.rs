//! mount(2), umount2(2), pivot_root(2).

use std::sync::Arc;

use abi::Errno;
use kernel::memory::read_string;
use kernel::{Task, UserAddr};
use tmpfs::{Options, Tmpfs};
use vfs::caller::Caller;
use vfs::mount::Mount;
use vfs::mount_flags::MountFlags;
use vfs::ops::UnmountFlags;
use vfs::path::Path;
use vfs::superblock::SuperBlock;
use vfs::{At, Capability};

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
        const UNBINDABLE = 1 << 17;
        const PRIVATE = 1 << 18;
        const SLAVE = 1 << 19;
        const SHARED = 1 << 20;
    }
}

/// The upper half of the flags once had to be this.
const MAGIC: u32 = 0xc0ed_0000;
const MAGIC_MASK: u32 = 0xffff_0000;
/// The longest text of options.
const OPTIONS_MAX: usize = 4096;

/// mount(2). All mounts are private.
///
/// # Errors
/// Those of mount(2), `ENODEV` for a type that is not known, `EINVAL` for shared mounts.
pub fn mount(
    task: &Arc<Task>,
    source: PathPtr,
    target: PathPtr,
    kind: UserAddr,
    flags: u32,
    data: UserAddr,
) -> Result<(), Errno> {
    let flags = if flags & MAGIC_MASK == MAGIC { flags & !MAGIC_MASK } else { flags };
    let action = Action::from_bits_truncate(flags);
    let restricts = MountFlags::from_bits_truncate(flags).with_default_times();
    let options = text(task, data, OPTIONS_MAX)?;
    let target = (FDCWD, target);
    if action.contains(Action::REMOUNT) {
        let bind = action.contains(Action::BIND);
        return at(task, target.0, target.1, |caller, at| caller.remount(at, restricts, bind, &options));
    }
    if action.contains(Action::BIND) {
        let recursive = action.contains(Action::REC);
        return at_both(task, (FDCWD, source), target, |caller, from, to| {
            caller.bind_mount(from, to, recursive)
        });
    }
    if action.intersects(Action::SHARED | Action::PRIVATE | Action::SLAVE | Action::UNBINDABLE) {
        return at(task, target.0, target.1, |caller, at| propagation(caller, at, action));
    }
    if action.contains(Action::MOVE) {
        return at_both(task, (FDCWD, source), target, |caller, from, to| caller.move_mount(from, to));
    }
    let kind = text(task, kind, OPTIONS_MAX)?;
    let source = if source.0.is_null() { b"none".to_vec() } else { source.read(task)? };
    at(task, target.0, target.1, |caller, at| {
        caller.credentials.need(Capability::SysAdmin)?;
        let superblock = make(task, &kind, &options)?;
        superblock.set_read_only(restricts.contains(MountFlags::RDONLY));
        caller.mount(at, &Mount::whole(superblock, &source, restricts.difference(MountFlags::RDONLY)))
    })
}

/// A private mount stays one, and a slave of nobody is private.
fn propagation(caller: &Caller<'_>, at: &At<'_>, action: Action) -> Result<(), Errno> {
    caller.credentials.need(Capability::SysAdmin)?;
    let path = caller.find_path(at, vfs::resolve::Lookup::FOLLOW)?;
    if !path.is_mount_root() || action.intersects(Action::SHARED | Action::UNBINDABLE) {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

/// A new filesystem of this type.
fn make(task: &Task, kind: &[u8], options: &[u8]) -> Result<Arc<SuperBlock>, Errno> {
    if !matches!(kind, b"tmpfs" | b"ramfs") {
        return task.kernel.filesystems().make(kind, options);
    }
    let memory = host::machine::memory();
    Ok(SuperBlock::new(Tmpfs::new(Options::parse(options, memory)?, memory)))
}

fn text(task: &Task, address: UserAddr, limit: usize) -> Result<Vec<u8>, Errno> {
    if address.is_null() {
        return Ok(Vec::new());
    }
    read_string(&*task.memory(), address, limit)
}

/// umount2(2).
///
/// # Errors
/// Those of umount2(2).
pub fn umount2(task: &Arc<Task>, target: PathPtr, flags: u32) -> Result<(), Errno> {
    let flags = UnmountFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
    at(task, FDCWD, target, |caller, at| caller.unmount(at, flags))
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
    let context = task.fs();
    let mut context = context.lock();
    let mut left = Vec::new();
    if context.root == *old {
        left.push(std::mem::replace(&mut context.root, new.clone()));
    }
    if context.cwd == *old {
        left.push(std::mem::replace(&mut context.cwd, new.clone()));
    }
    drop(context);
    drop(left);
}

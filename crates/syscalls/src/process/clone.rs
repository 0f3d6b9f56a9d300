//! clone(2), clone3(2), fork(2), vfork(2).

use std::sync::Arc;

use abi::Errno;
use abi::clone::{CLONE_ARGS_SIZE_VER0, CloneArgs, CloneFlags};
use abi::signal::Signal;
use kernel::clone::{CloneRequest, Ids, clone as make};
use kernel::control_group::{Directory, GroupId, may_clone_into};
use kernel::pids::PID_MAX;
use kernel::{Outcome, Task, UserAddr, UserPtr};
use vfs::{Capability, Fd};

use crate::argument::read_extensible;

/// `CSIGNAL`: the bits of the exit signal in the flags of clone(2).
const EXIT_SIGNAL: u64 = 0xff;

/// clone(2), with the argument order of x86-64.
///
/// # Errors
/// Those of clone(2).
pub async fn clone(
    task: &Arc<Task>,
    flags: u64,
    stack: u64,
    parent_tid: u64,
    child_tid: u64,
    tls: u64,
) -> Result<Outcome, Errno> {
    // What the old call does not know it ignores: flags are 32 bits wide, and those of clone3(2) alone lie above.
    let flags = flags & 0xffff_ffff;
    let exit_signal = i32::try_from(flags & EXIT_SIGNAL).map_err(|_| Errno::EINVAL)?;
    let flags = CloneFlags::from_bits_truncate(flags & !EXIT_SIGNAL);
    if flags.contains(CloneFlags::PIDFD | CloneFlags::PARENT_SETTID) {
        // Both would be written to the same place.
        return Err(Errno::EINVAL);
    }
    make(
        task,
        CloneRequest {
            flags,
            exit_signal,
            stack,
            tls,
            parent_tid,
            child_tid,
            pidfd: parent_tid,
            control_group: None,
            ids: Ids::default(),
        },
    )
    .await
}

/// fork(2).
///
/// # Errors
/// `EAGAIN`, `ENOMEM`.
pub async fn fork(task: &Arc<Task>) -> Result<Outcome, Errno> {
    make(task, plain(CloneFlags::empty())).await
}

/// vfork(2).
///
/// # Errors
/// As fork.
pub async fn vfork(task: &Arc<Task>) -> Result<Outcome, Errno> {
    make(task, plain(CloneFlags::VM | CloneFlags::VFORK)).await
}

fn plain(flags: CloneFlags) -> CloneRequest {
    let exit_signal = Signal::SIGCHLD.number();
    CloneRequest {
        flags,
        exit_signal,
        stack: 0,
        tls: 0,
        parent_tid: 0,
        child_tid: 0,
        pidfd: 0,
        control_group: None,
        ids: Ids::default(),
    }
}

/// clone3(2).
///
/// # Errors
/// `E2BIG` if the structure is longer than known and not zero there, `EINVAL` if shorter than the first published, and those of clone(2).
pub async fn clone3(task: &Arc<Task>, arguments: UserAddr, size: usize) -> Result<Outcome, Errno> {
    let args = read(task, arguments, size)?;
    let flags = CloneFlags::from_bits(args.flags).ok_or(Errno::EINVAL)?;
    let exit_signal = i32::try_from(args.exit_signal).map_err(|_| Errno::EINVAL)?;
    let bad_signal = !(0..=64).contains(&exit_signal);
    let shares_place = flags.intersects(CloneFlags::THREAD | CloneFlags::PARENT) && exit_signal != 0;
    let half_a_stack = (args.stack == 0) != (args.stack_size == 0);
    if bad_signal || shares_place || half_a_stack || flags.contains(CloneFlags::DETACHED) {
        return Err(Errno::EINVAL);
    }
    let ids = wanted_ids(task, &args, flags)?;
    let control_group = control_group(task, &args, flags)?;
    let stack = args.stack.checked_add(args.stack_size).ok_or(Errno::EINVAL)?;
    let request = CloneRequest {
        flags,
        exit_signal,
        stack,
        tls: args.tls,
        parent_tid: args.parent_tid,
        child_tid: args.child_tid,
        pidfd: args.pidfd,
        control_group,
        ids,
    };
    make(task, request).await
}

/// The control group that the child is to be in.
fn control_group(task: &Task, args: &CloneArgs, flags: CloneFlags) -> Result<Option<GroupId>, Errno> {
    if !flags.contains(CloneFlags::INTO_CGROUP) {
        return Ok(None);
    }
    let fd = i32::try_from(args.cgroup).map_err(|_| Errno::EINVAL)?;
    let file = task.files().get(Fd(fd))?;
    let inode = file.path.as_ref().map(|path| Arc::clone(path.dentry.inode_ref())).ok_or(Errno::EBADF)?;
    let directory = inode.as_any().downcast_ref::<Directory>().ok_or(Errno::EBADF)?;
    may_clone_into(task, directory.0, flags.contains(CloneFlags::THREAD))?;
    Ok(Some(directory.0))
}

/// The numbers that the child is to have, from its own pid namespace upwards. Those who restore checkpoints may choose them.
fn wanted_ids(task: &Task, args: &CloneArgs, flags: CloneFlags) -> Result<Ids, Errno> {
    let count = usize::try_from(args.set_tid_size).ok().filter(|n| *n < Ids::MOST).ok_or(Errno::EINVAL)?;
    if (args.set_tid == 0) != (count == 0) {
        return Err(Errno::EINVAL);
    }
    let wanted = UserPtr::<i32>::new(args.set_tid).read_many(&*task.memory(), count)?;
    let credentials = task.credentials();
    let namespaces = task.namespaces();
    let levels = std::iter::successors(Some(&namespaces.pids), |at| at.parent.as_ref());
    let new = flags.contains(CloneFlags::NEWPID).then(|| Arc::clone(&credentials.user));
    let owners: Vec<_> = new.into_iter().chain(levels.map(|at| Arc::clone(&at.user))).collect();
    for (place, number) in wanted.iter().enumerate() {
        let owner = owners.get(place).ok_or(Errno::EINVAL)?;
        if !(1..PID_MAX).contains(number) {
            return Err(Errno::EINVAL);
        }
        if !credentials.has_in(Capability::CheckpointRestore, owner) {
            credentials.need_in(Capability::SysAdmin, owner)?;
        }
    }
    Ok(Ids::new(&wanted))
}

fn read(task: &Task, arguments: UserAddr, size: usize) -> Result<CloneArgs, Errno> {
    if size > 4096 {
        return Err(Errno::E2BIG);
    }
    if size < CLONE_ARGS_SIZE_VER0 {
        return Err(Errno::EINVAL);
    }
    read_extensible(task, arguments, size)
}

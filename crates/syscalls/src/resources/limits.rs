//! getrlimit(2), setrlimit(2), prlimit64(2).

use std::sync::Arc;

use abi::Errno;
use abi::resource::Rlimit;
use kernel::limits::{Limit, Resource};
use kernel::{Task, ThreadGroup, UserPtr};
use vfs::Capability;

/// The most that RLIMIT_NOFILE may be (`/proc/sys/fs/nr_open`).
const NOFILE_MAX: u64 = 1 << 20;

/// Reads a limit.
///
/// # Errors
/// `EINVAL`, `EFAULT`.
pub fn getrlimit(task: &Arc<Task>, resource: u32, old: UserPtr<Rlimit>) -> Result<(), Errno> {
    let resource = Resource::from_number(resource).ok_or(Errno::EINVAL)?;
    report(task, &task.group, resource, old)
}

/// Sets a limit.
///
/// # Errors
/// `EINVAL`, `EPERM`, `EFAULT`.
pub fn setrlimit(task: &Arc<Task>, resource: u32, new: UserPtr<Rlimit>) -> Result<(), Errno> {
    let resource = Resource::from_number(resource).ok_or(Errno::EINVAL)?;
    let wanted = new.read(&*task.memory())?;
    set(task, &task.group, resource, Limit::new(wanted.soft, wanted.hard))
}

/// Reads and sets a limit of any process.
///
/// # Errors
/// `EINVAL`, `EPERM`, `ESRCH`, `EFAULT`.
pub fn prlimit64(
    task: &Arc<Task>,
    pid: i32,
    resource: u32,
    new: UserPtr<Rlimit>,
    old: UserPtr<Rlimit>,
) -> Result<(), Errno> {
    let resource = Resource::from_number(resource).ok_or(Errno::EINVAL)?;
    let other = if pid == 0 { Arc::clone(task) } else { task.task_of(pid).ok_or(Errno::ESRCH)? };
    may_reach(task, &other)?;
    let wanted = match new.some() {
        Some(at) => Some(at.read(&*task.memory())?),
        None => None,
    };
    // The old limit is read before the new one is set, and told after: a fault does not undo what was set.
    let before = other.group.limits.lock().get(resource);
    if let Some(wanted) = wanted {
        set(task, &other.group, resource, Limit::new(wanted.soft, wanted.hard))?;
    }
    match old.some() {
        Some(at) => at.write(&*task.memory(), &Rlimit { soft: before.soft, hard: before.hard }),
        None => Ok(()),
    }
}

/// Whether a task may see and set the limits of another: the same ids, or CAP_SYS_RESOURCE.
fn may_reach(task: &Task, other: &Task) -> Result<(), Errno> {
    let (own, theirs) = (task.credentials(), other.credentials());
    let users = [theirs.uid, theirs.euid, theirs.suid].iter().all(|id| *id == own.uid);
    let groups = [theirs.gid, theirs.egid, theirs.sgid].iter().all(|id| *id == own.gid);
    if task.pid() == other.pid() || (users && groups) || own.has_in(Capability::SysResource, &theirs.user) {
        Ok(())
    } else {
        Err(Errno::EPERM)
    }
}

fn report(task: &Task, group: &ThreadGroup, resource: Resource, at: UserPtr<Rlimit>) -> Result<(), Errno> {
    let limit = group.limits.lock().get(resource);
    at.write(&*task.memory(), &Rlimit { soft: limit.soft, hard: limit.hard })
}

fn set(task: &Task, group: &Arc<ThreadGroup>, resource: Resource, new: Limit) -> Result<(), Errno> {
    if new.soft > new.hard {
        return Err(Errno::EINVAL);
    }
    if resource == Resource::Nofile && new.hard > NOFILE_MAX {
        return Err(Errno::EPERM);
    }
    let privileged = task.credentials().has(Capability::SysResource);
    let mut limits = group.limits.lock();
    if new.hard > limits.get(resource).hard && !privileged {
        return Err(Errno::EPERM);
    }
    limits.set(resource, new);
    drop(limits);
    if resource == Resource::Cpu {
        kernel::time::limit::watch(group);
    }
    if resource == Resource::Data
        && let Some(task) = group.representative()
    {
        // The kernel looks at the limit from now on.
        task.space().recall_break();
    }
    if resource == Resource::As {
        // What maps anonymous memory never comes by here: the host counts.
        let thread = group.representative().and_then(|task| task.thread());
        thread.map_or(Ok(()), |thread| thread.limit_address_space(new.soft))?;
    }
    Ok(())
}

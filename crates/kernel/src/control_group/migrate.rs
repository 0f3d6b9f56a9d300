//! Moving processes: `cgroup.procs` and `cgroup.threads`.

use std::sync::Arc;

use abi::Errno;
use vfs::Credentials;

use super::tasks::{Look, hold};
use super::{GroupId, Notices, Tree, Writer};
use crate::{Kernel, Task, ThreadGroup, current};

/// What an id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A process with all its threads.
    Process,
    /// A thread alone.
    Thread,
}

/// Moves a process or a thread into a group. The id is the caller's name for it; 0 is the caller itself.
///
/// # Errors
/// `ESRCH`, `ENODEV` if the group is gone, `EOPNOTSUPP` for a thread that would leave the group of its process, those of
/// moving by who may ([`Writer`]), and `EBUSY` for a group whose children have controllers.
pub fn move_to(kernel: &Kernel, writer: &Writer, to: GroupId, id: i32, what: What) -> Result<(), Errno> {
    let caller = current::task().ok_or(Errno::ESRCH)?;
    let task = if id == 0 { Some(Arc::clone(&caller)) } else { caller.task_of(id) };
    let process = match &task {
        Some(task) => Arc::clone(&task.group),
        None => caller.group_of(id).filter(|_| what == What::Process).ok_or(Errno::ESRCH)?,
    };
    let used = process.consumption();
    let look = kernel.control_groups.change(|tree, notices| {
        tree.living(to)?;
        let from = match &task {
            Some(task) => task.control_groups(),
            None => process.control_groups(),
        };
        let from = from.into_iter().find(|group| tree.top(*group) == tree.top(to)).ok_or(Errno::ESRCH)?;
        let whole = if tree.is_unified(to) {
            tree.may_move(writer, from, to)?;
            if what == What::Thread && from != to {
                return Err(Errno::EOPNOTSUPP);
            }
            tree.can_host(to)?;
            true
        } else {
            may_move_first_version(&writer.credentials, &task, &process)?;
            what == What::Process
        };
        if from != to {
            super::cpu::settle(tree, &process, from, used);
        }
        let moved = match &task {
            Some(task) if !whole => vec![Arc::clone(task)],
            _ => process.tasks(),
        };
        Ok(carry_out(kernel, tree, moved, to, notices))
    })?;
    look.take();
    Ok(())
}

/// Whether a task may make a child in a group: clone3(2) `CLONE_INTO_CGROUP`.
///
/// # Errors
/// As [`move_to`].
pub fn may_clone_into(task: &Task, to: GroupId, thread: bool) -> Result<(), Errno> {
    let writer = Writer { credentials: Arc::clone(&task.credentials()), root: task.control_root() };
    task.kernel.control_groups.with(|tree| {
        tree.living(to).map_err(|_| Errno::ENOENT)?;
        tree.may_write(&writer, to)?;
        let from = task.control_group().ok_or(Errno::EBADF)?;
        tree.may_move(&writer, from, to)?;
        if thread && from != to {
            return Err(Errno::EOPNOTSUPP);
        }
        tree.can_host(to)
    })
}

fn carry_out(
    kernel: &Kernel,
    tree: &mut Tree,
    tasks: Vec<Arc<Task>>,
    to: GroupId,
    notices: &mut Notices,
) -> Look {
    let mut look = Look::default();
    let mut concerned = tree.upward(to);
    for task in tasks {
        if let Some(from) = one(tree, &task, to, notices) {
            hold(tree, task, &mut look);
            let further: Vec<GroupId> =
                tree.upward(from).into_iter().filter(|at| !concerned.contains(at)).collect();
            concerned.extend(further);
        }
    }
    super::freeze::recheck(kernel, tree, &concerned, notices);
    look
}

/// In a hierarchy of the first version root moves all, and others what is theirs.
fn may_move_first_version(
    credentials: &Credentials,
    task: &Option<Arc<Task>>,
    process: &ThreadGroup,
) -> Result<(), Errno> {
    let of = task.clone().or_else(|| process.representative());
    let own = of.is_none_or(|task| {
        let target = task.credentials();
        credentials.euid == target.uid || credentials.euid == target.suid
    });
    if own || credentials.euid == 0 { Ok(()) } else { Err(Errno::EACCES) }
}

/// Moves one thread. Where it was, if it was elsewhere and lives.
fn one(tree: &mut Tree, task: &Task, to: GroupId, notices: &mut Notices) -> Option<GroupId> {
    let from = {
        let mut entry = task.control.lock();
        if !entry.lives {
            return None;
        }
        let place = entry.groups.iter_mut().find(|group| tree.top(**group) == tree.top(to))?;
        std::mem::replace(place, to)
    };
    if from == to {
        return None;
    }
    tree.count_in(to);
    tree.count_out(from);
    tree.began(to, notices);
    tree.ended(from, notices);
    Some(from)
}

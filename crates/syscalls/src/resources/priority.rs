//! getpriority(2), setpriority(2).

use std::sync::Arc;

use abi::Errno;
use kernel::limits::Resource;
use kernel::{Task, ThreadGroup};
use vfs::Capability;

const PRIO_PROCESS: u32 = 0;
const PRIO_PGRP: u32 = 1;
const PRIO_USER: u32 = 2;

/// The tasks that a pair of arguments means.
pub(super) fn targets(task: &Arc<Task>, which: u32, who: i32) -> Result<Vec<Arc<Task>>, Errno> {
    let kernel = &task.kernel;
    let all = |groups: Vec<Arc<ThreadGroup>>| groups.iter().flat_map(|g| g.tasks()).collect::<Vec<_>>();
    let found = match which {
        PRIO_PROCESS if who == 0 => vec![Arc::clone(task)],
        PRIO_PROCESS => task.task_of(who).into_iter().collect(),
        PRIO_PGRP => {
            let group = if who == 0 { task.group.process_group() } else { task.known_id(who)? };
            all(kernel.pids.process_group(group))
        }
        PRIO_USER => {
            let own = task.credentials();
            let user = if who == 0 { Some(own.uid) } else { own.user.uid(who.cast_unsigned()) };
            let mut found = all(kernel.pids.groups());
            found.retain(|t| task.pids().number(t.pid()).is_some());
            found.retain(|t| Some(t.credentials().uid) == user);
            found
        }
        _ => return Err(Errno::EINVAL),
    };
    if found.is_empty() { Err(Errno::ESRCH) } else { Ok(found) }
}

/// The highest priority among the targets, as 20 minus the niceness.
///
/// # Errors
/// `EINVAL`, `ESRCH`.
pub fn getpriority(task: &Arc<Task>, which: u32, who: i32) -> Result<i32, Errno> {
    let lowest = targets(task, which, who)?.iter().map(|t| t.attributes().nice).min();
    Ok(20 - lowest.unwrap_or(0))
}

/// Sets the niceness of all targets.
///
/// # Errors
/// `EINVAL`, `ESRCH`, `EPERM` for another user's task, `EACCES` for raising a priority.
pub fn setpriority(task: &Arc<Task>, which: u32, who: i32, nice: i32) -> Result<(), Errno> {
    let nice = nice.clamp(-20, 19);
    let mut outcome = Err(Errno::ESRCH);
    for target in targets(task, which, who)? {
        match set(task, &target, nice) {
            Ok(()) if outcome == Err(Errno::ESRCH) => outcome = Ok(()),
            Ok(()) => {}
            Err(errno) => outcome = Err(errno),
        }
    }
    outcome
}

fn set(task: &Task, target: &Task, nice: i32) -> Result<(), Errno> {
    may_change(task, target)?;
    let old = target.attributes().nice;
    if nice < old && !is_allowed(target, nice) && !task.credentials().has(Capability::SysNice) {
        return Err(Errno::EACCES);
    }
    target.attributes().nice = nice;
    if let Some(thread) = target.thread() {
        thread.set_nice(nice);
    }
    Ok(())
}

/// Whether a task's limit allows this niceness.
pub(super) fn is_allowed(target: &Task, nice: i32) -> bool {
    let limit = target.group.limits.lock().get(Resource::Nice).soft;
    // The limit counts from 1 (niceness 19) to 40 (niceness -20).
    i64::try_from(limit).map_or(true, |limit| i64::from(nice) >= 20_i64.saturating_sub(limit))
}

/// Whether a task may change how another is scheduled.
///
/// # Errors
/// `EPERM`.
pub(super) fn may_change(task: &Task, target: &Task) -> Result<(), Errno> {
    let (own, theirs) = (task.credentials(), target.credentials());
    if own.euid == theirs.uid || own.euid == theirs.euid || own.has_in(Capability::SysNice, &theirs.user) {
        Ok(())
    } else {
        Err(Errno::EPERM)
    }
}

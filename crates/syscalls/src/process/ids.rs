//! getpid(2), gettid(2), getppid(2), getpgid(2), getsid(2), setpgid(2), setsid(2).

use std::sync::Arc;

use abi::Errno;
use kernel::Task;

/// Process id.
///
/// # Errors
/// None.
pub fn getpid(task: &Arc<Task>) -> Result<i32, Errno> {
    Ok(task.own_pid())
}

/// Thread id.
///
/// # Errors
/// None.
pub fn gettid(task: &Arc<Task>) -> Result<i32, Errno> {
    Ok(task.own_tid())
}

/// The parent's process id.
///
/// # Errors
/// None.
pub fn getppid(task: &Arc<Task>) -> Result<i32, Errno> {
    Ok(task.pids().shown(task.group.parent()))
}

/// Process group of the caller.
///
/// # Errors
/// None.
pub fn getpgrp(task: &Arc<Task>) -> Result<i32, Errno> {
    Ok(task.pids().shown(task.group.process_group()))
}

/// The process that a number means: that of any of its threads, or 0 for the caller's.
fn process(task: &Task, number: i32) -> Result<i32, Errno> {
    if number == 0 {
        return Ok(task.pid());
    }
    let id = task.known_id(number)?;
    Ok(task.kernel.task(id).map_or(id, |thread| thread.pid()))
}

/// Process group of a process, 0 for the caller.
///
/// # Errors
/// `ESRCH`.
pub fn getpgid(task: &Arc<Task>, pid: i32) -> Result<i32, Errno> {
    let pids = &task.kernel.pids;
    let pid = process(task, pid)?;
    pids.ask(pid, |r| r.process_group).map(|id| task.pids().shown(id)).ok_or(Errno::ESRCH)
}

/// Session of a process, 0 for the caller.
///
/// # Errors
/// `ESRCH`.
pub fn getsid(task: &Arc<Task>, pid: i32) -> Result<i32, Errno> {
    let pids = &task.kernel.pids;
    let pid = process(task, pid)?;
    pids.ask(pid, |r| r.session).map(|id| task.pids().shown(id)).ok_or(Errno::ESRCH)
}

/// Moves a process to a process group.
///
/// # Errors
/// `ESRCH`, `EACCES`, `EPERM`, `EINVAL`.
pub fn setpgid(task: &Arc<Task>, pid: i32, group: i32) -> Result<(), Errno> {
    if pid < 0 {
        return Err(Errno::ESRCH);
    }
    if group < 0 {
        return Err(Errno::EINVAL);
    }
    let pid = if pid == 0 { 0 } else { task.known_id(pid)? };
    let group = if group == 0 { 0 } else { task.pids().known(group).ok_or(Errno::EPERM)? };
    task.kernel.pids.set_process_group(task.pid(), pid, group)
}

/// Makes the caller the leader of a new session.
///
/// # Errors
/// `EPERM`.
pub fn setsid(task: &Arc<Task>) -> Result<i32, Errno> {
    task.kernel.pids.new_session(task.pid())?;
    Ok(task.own_pid())
}

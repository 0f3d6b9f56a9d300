//! kill(2), tkill(2), tgkill(2).

use std::sync::Arc;

use abi::Errno;
use abi::signal::{SI_TKILL, SI_USER, Signal};
use kernel::signal::{Target, permission, send, sender};
use kernel::{Task, ThreadGroup, pids};

use super::SignalNumber;

/// Sends a signal to a process, a process group (0: the caller's own; below -1: that of the inverse number) or everybody (-1).
///
/// # Errors
/// `EINVAL`, `ESRCH`, `EPERM` if none of them may be signalled.
pub fn kill(task: &Arc<Task>, pid: i32, signal: SignalNumber) -> Result<(), Errno> {
    let kernel = &task.kernel;
    let signal = signal.optional()?;
    match pid {
        1.. => signal_process(task, &process(task, pid)?, signal),
        0 => signal_all(task, &kernel.pids.process_group(task.group.process_group()), signal),
        -1 => {
            let others: Vec<_> = kernel
                .pids
                .groups()
                .into_iter()
                .filter(|group| task.pids().shown(group.pid) > pids::INIT && !Arc::ptr_eq(group, &task.group))
                .collect();
            signal_all(task, &others, signal)
        }
        i32::MIN => Err(Errno::ESRCH),
        _ => signal_all(task, &kernel.pids.process_group(task.known_id(-pid)?), signal),
    }
}

/// The process that an id means: that of any of its threads, too.
pub(super) fn process(task: &Arc<Task>, pid: i32) -> Result<Arc<ThreadGroup>, Errno> {
    let of_thread = || task.task_of(pid).map(|t| Arc::clone(&t.group));
    task.group_of(pid).or_else(of_thread).ok_or(Errno::ESRCH)
}

fn signal_all(task: &Arc<Task>, groups: &[Arc<ThreadGroup>], signal: Option<Signal>) -> Result<(), Errno> {
    let mut result = Err(Errno::ESRCH);
    for group in groups {
        match signal_process(task, group, signal) {
            Ok(()) => result = Ok(()),
            Err(errno) if result.is_err() => result = Err(errno),
            Err(_) => {}
        }
    }
    result
}

fn signal_process(task: &Arc<Task>, group: &Arc<ThreadGroup>, signal: Option<Signal>) -> Result<(), Errno> {
    check(task, group, signal)?;
    match signal {
        Some(signal) => {
            let info = sender::particulars(task, group, signal, SI_USER);
            send(Target::Group(group), info, sender::origin(task, group))
        }
        None => Ok(()),
    }
}

/// Whether the caller may signal a process. A zombie takes whatever is sent to it.
pub(super) fn check(task: &Arc<Task>, group: &Arc<ThreadGroup>, signal: Option<Signal>) -> Result<(), Errno> {
    if Arc::ptr_eq(group, &task.group) {
        return Ok(());
    }
    let Some(target) = group.representative() else { return Ok(()) };
    let same_session = group.session() == task.group.session();
    permission::check(&task.credentials(), &target.credentials(), signal, same_session)
}

/// Sends a signal to a thread.
///
/// # Errors
/// `EINVAL`, `ESRCH`, `EPERM`.
pub fn tkill(task: &Arc<Task>, tid: i32, signal: SignalNumber) -> Result<(), Errno> {
    if tid <= 0 {
        return Err(Errno::EINVAL);
    }
    signal_thread(task, None, tid, signal)
}

/// Sends a signal to a thread of a process.
///
/// # Errors
/// `EINVAL`, `ESRCH` also if the thread is of another process, `EPERM`.
pub fn tgkill(task: &Arc<Task>, pid: i32, tid: i32, signal: SignalNumber) -> Result<(), Errno> {
    if tid <= 0 || pid <= 0 {
        return Err(Errno::EINVAL);
    }
    signal_thread(task, Some(pid), tid, signal)
}

fn signal_thread(task: &Arc<Task>, pid: Option<i32>, tid: i32, signal: SignalNumber) -> Result<(), Errno> {
    let target = thread(task, pid, tid)?;
    let signal = signal.optional()?;
    check(task, &target.group, signal)?;
    let origin = sender::origin(task, &target.group);
    let info = |signal| sender::particulars(task, &target.group, signal, SI_TKILL);
    match signal {
        Some(signal) => match send(Target::Task(&target), info(signal), origin) {
            // As Linux: a full queue is no error for a signal without a value, which then loses its particulars.
            Err(Errno::EAGAIN) if !signal.is_realtime() => Ok(()),
            other => other,
        },
        None => Ok(()),
    }
}

/// A living thread, of this process if one is given.
pub(super) fn thread(task: &Arc<Task>, pid: Option<i32>, tid: i32) -> Result<Arc<Task>, Errno> {
    let found = task.task_of(tid).ok_or(Errno::ESRCH)?;
    if pid.is_none_or(|pid| pid == task.pids().shown(found.pid())) { Ok(found) } else { Err(Errno::ESRCH) }
}

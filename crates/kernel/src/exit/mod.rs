//! How tasks and processes end: exit(2), exit_group(2), fatal signals, and hosts that kill.
//!
//! A process is brought down by killing its host process; each of its threads then reports that it is gone
//! ([`gone`]), and the last one to do so leaves the zombie and tells the parent. So whatever a process was doing,
//! there is one way out, and what its threads held is given back on the way.

pub mod notify;
pub(crate) mod robust;

use std::sync::Arc;

use platform::Gone;
use vfs::FdTable;

use crate::accounting::Peak;
use crate::pids::Ended;
use crate::{AddressSpace, ExitStatus, Task, ThreadGroup};

/// exit(2): ends the calling thread alone. The last thread to call it decides with which status the process ends, as in Linux. The caller must not
/// be resumed afterwards: the call's outcome is [`crate::Outcome::Ended`].
pub fn exit_task(task: &Arc<Task>, code: u8) {
    exit_task_with(task, ExitStatus::Exited(code));
}

/// As [`exit_task`], with what becomes the process's status if this is its last thread.
pub(crate) fn exit_task_with(task: &Arc<Task>, status: ExitStatus) {
    {
        let mut state = task.group.state.lock();
        task.set_leaving();
        if state.tasks.iter().all(|t| t.is_leaving()) {
            state.exit.get_or_insert(status);
        }
    }
    if let Some(thread) = task.thread() {
        thread.exit(robust::thread_dies(task));
    }
}

/// exit_group(2), or a fatal signal: ends the process with this status, unless it is ending already. A caller that belongs to it must not
/// be resumed afterwards: the call's outcome is [`crate::Outcome::Ended`].
pub fn exit_group(group: &Arc<ThreadGroup>, status: ExitStatus) {
    let (first, tasks) = {
        let mut state = group.state.lock();
        let first = state.exit.is_none();
        state.exit.get_or_insert(status);
        (first, state.tasks.clone())
    };
    // All of them first: the first kill already takes the host threads of the others with it, and their end is no surprise.
    tasks.iter().for_each(|task| task.set_leaving());
    if first {
        robust::process_dies(group);
    }
    tasks.iter().for_each(|task| task.kill_threads());
}

/// A task's host thread is gone.
pub(crate) fn gone(task: &Arc<Task>, how: Gone) {
    let group = &task.group;
    if !task.is_leaving() && how.signal.is_some() {
        let signal = how.signal.unwrap_or_default();
        tracing::warn!(
            pid = group.pid,
            tid = task.tid(),
            signal,
            "the host killed a process of the sandbox (out of memory, or a kill from outside)"
        );
        group.state.lock().exit.get_or_insert(ExitStatus::KILLED);
    }
    release(task, how.last);
}

/// Gives back what a task held; the last one ends the process.
pub(crate) fn release(task: &Arc<Task>, last_of_host: bool) {
    task.set_leaving();
    let host = task.thread().filter(|_| last_of_host);
    task.finish_vfork();
    task.leave_undo_list();
    drop(task.replace_files(FdTable::new()));
    // What kept writers away from the program ends with its last user.
    drop(task.replace_space(AddressSpace::none()));
    let group = Arc::clone(&task.group);
    let tid = task.tid();
    let last = group.remove_task(task);
    crate::control_group::leave(task);
    crate::signal::task_ended(task);
    let Some(last) = last else { return };
    if !last {
        task.kernel.pids.remove_task(tid);
        notify::parent_thread_ended(&group, tid);
        return;
    }
    let (own, children) = {
        let mut usage = group.usage.lock();
        if let Some(host) = host {
            usage.past = usage.past.plus(host.process_cpu_time().into());
            usage.past_peak.include(Peak::of(host));
        }
        (usage.past, usage.children)
    };
    crate::control_group::process_ended(&group, own);
    let status = {
        let state = group.state.lock();
        state.exit.unwrap_or(ExitStatus::Exited(0))
    };
    let ended = Ended { status, own, children, uid: task.credentials().uid };
    task.kernel.pids.remove_task(tid);
    crate::signal::group_ended(&group);
    notify::parent_thread_ended(&group, tid);
    notify::ended(&group, ended);
}

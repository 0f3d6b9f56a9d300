//! How tasks and processes end: exit(2), exit_group(2), fatal signals, and hosts that kill.
//!
//! A process is brought down by killing its host process; each of its threads then reports that it is gone
//! ([`gone`]), and the last one to do so leaves the zombie and tells the parent. So whatever a process was doing,
//! there is one way out, and what its threads held is given back on the way.

pub mod notify;

use std::sync::Arc;

use platform::Gone;
use vfs::FdTable;

use crate::accounting::Consumption;
use crate::pids::Ended;
use crate::{ExitStatus, Task, ThreadGroup};

/// exit(2): ends the calling thread alone. The last thread to call it decides with which status the process ends, as in Linux. The caller must not
/// be resumed afterwards: the call's outcome is [`crate::Outcome::Ended`].
pub fn exit_task(task: &Arc<Task>, code: u8) {
    {
        let mut state = task.group.state.lock();
        task.set_leaving();
        if state.tasks.iter().all(|t| t.is_leaving()) {
            state.exit.get_or_insert(ExitStatus::Exited(code));
        }
    }
    if let Some(thread) = task.thread() {
        thread.exit();
    }
}

/// exit_group(2), or a fatal signal: ends the process with this status, unless it is ending already. A caller that belongs to it must not
/// be resumed afterwards: the call's outcome is [`crate::Outcome::Ended`].
pub fn exit_group(group: &Arc<ThreadGroup>, status: ExitStatus) {
    let tasks = {
        let mut state = group.state.lock();
        state.exit.get_or_insert(status);
        state.tasks.clone()
    };
    // All of them first: the first kill already takes the host threads of the others with it, and their end is no surprise.
    tasks.iter().for_each(|task| task.set_leaving());
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
    let own = if last_of_host { process_consumption(task) } else { Consumption::default() };
    task.finish_vfork();
    drop(task.replace_files(FdTable::new()));
    let group = Arc::clone(&task.group);
    let tid = task.tid();
    let last = group.remove_task(task);
    crate::signal::task_ended(task);
    let Some(last) = last else { return };
    if !last {
        task.kernel.pids.remove_task(tid);
        notify::parent_thread_ended(&group, tid);
        return;
    }
    let past = {
        let mut usage = group.usage.lock();
        usage.past = usage.past.plus(own);
        *usage
    };
    let status = {
        let state = group.state.lock();
        state.exit.unwrap_or(ExitStatus::Exited(0))
    };
    let ended = Ended { status, own: past.past, children: past.children, uid: task.credentials().uid };
    task.kernel.pids.remove_task(tid);
    crate::signal::group_ended(&group);
    notify::parent_thread_ended(&group, tid);
    notify::ended(&group, ended);
}

fn process_consumption(task: &Task) -> Consumption {
    let Some(thread) = task.thread() else { return Consumption::default() };
    let (user, system) = thread.process_cpu_time();
    Consumption { user, system, max_resident: 0 }
}

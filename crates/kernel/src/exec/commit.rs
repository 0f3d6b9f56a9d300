//! The point of no return of execve(2), and what follows it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use abi::personality::{CLEAR_ON_SETID, READ_IMPLIES_EXEC};
use abi::signal::Signal;
use platform::Order;

use super::prepare::Prepared;
use crate::accounting::Peak;
use crate::exit::robust;
use crate::{Outcome, Task, seccomp, signal, wait};

/// Makes the task run the prepared program.
///
/// # Errors
/// `EAGAIN` if the process is going down, or another of its threads executes a program at the same time.
pub(super) async fn commit(task: &Arc<Task>, prepared: Prepared) -> Result<Outcome, Errno> {
    let group = &task.group;
    {
        let mut state = group.state.lock();
        if state.exit.is_some() || state.executing.is_some() {
            return Err(Errno::EAGAIN);
        }
        state.executing = Some(task.tid());
    }
    robust::process_dies(group);
    task.signals.come_back();
    // From here on nothing fails. With the old host process go the other threads.
    if let Some(old) = task.change_over() {
        let used = old.process_cpu_time().into();
        {
            let mut usage = group.usage.lock();
            usage.past = usage.past.plus(used);
            usage.past_peak.include(Peak::of(Arc::clone(&old)));
        }
        for other in group.tasks().iter().filter(|t| !Arc::ptr_eq(t, task)) {
            other.set_leaving();
        }
        old.kill_process();
    }
    drop(prepared.next);
    alone(task).await;
    // Another thread may have added a filter until it was ended.
    let watch = seccomp::watch_new_program(task);
    if let Some(watch) = watch.filter(|watch| prepared.watch.as_ref() != Some(watch)) {
        task.perform(vec![Order::Watch(watch)]).await?;
    }
    if task.tid() != group.pid {
        let old = task.tid();
        // The old first thread has ended, and leaves no zombie: this one is the first now.
        crate::control_group::forget_zombie(group);
        task.become_leader();
        task.kernel.pids.enter_task(task);
        task.kernel.pids.remove_task(old);
    }
    let old_space = task.replace_space(prepared.space);
    drop(old_space);
    task.place_break();
    unshare_files(task);
    signal::exec_reset(task);
    let changed_id = prepared.transformed.changed_id;
    task.set_credentials(prepared.transformed.credentials);
    {
        let mut attributes = task.attributes();
        attributes.comm = prepared.comm;
        attributes.robust_list = (0, 0);
        attributes.clear_child_tid = 0;
        attributes.personality &= !READ_IMPLIES_EXEC;
        if changed_id {
            attributes.personality &= !CLEAR_ON_SETID;
            attributes.parent_death_signal = 0;
        }
    }
    group.executed.store(true, Ordering::Relaxed);
    group.exit_signal.store(Signal::SIGCHLD.number(), Ordering::Relaxed);
    task.finish_vfork();
    group.state.lock().executing = None;
    Ok(Outcome::Context)
}

/// Waits until all other threads have ended. A signal has to wait until the new program stands; one that kills ends this wait with the task.
async fn alone(task: &Arc<Task>) {
    let only = || (task.group.tasks().len() <= 1).then_some(());
    wait::regardless(task, &task.group.tasks_changed, only).await;
}

/// The table is the program's own from now on, without the descriptors that close on execution.
fn unshare_files(task: &Task) {
    let shared = task.files();
    // The task's own reference and this one.
    let files = if Arc::strong_count(&shared) > 2 { shared.fork() } else { Arc::clone(&shared) };
    let old = task.replace_files(Arc::clone(&files));
    drop((shared, old));
    for file in files.take_close_on_exec() {
        // There is nobody left to report a failure to.
        let _ = file.file.flush();
    }
}

//! What execve(2) and the end of a task leave of its signals.

use std::sync::Arc;

use abi::signal::SignalSet;

use super::{send, stop};
use crate::Task;
use crate::time::process as timers;

/// Handlers become default, the alternate stack and POSIX timers go. Mask, pending signals and interval timers stay.
pub fn exec_reset(task: &Arc<Task>) {
    task.group.signals.reset_actions();
    timers::exec_reset(&task.group);
    let mut state = task.signals.state.lock();
    state.alt_stack = super::altstack::AlternateStack::default();
    state.fault = super::state::Fault::default();
}

/// The task takes no more signals: those of its process that it might have been woken for go to another thread, and a stop
/// does not wait for it. Called once it is out of its group's tasks.
pub fn task_ended(task: &Arc<Task>) {
    let others = task.group.tasks();
    let mut woken = Vec::new();
    {
        let shared = task.group.signals.state.lock();
        {
            let mut own = task.signals.state.lock();
            own.ended = true;
            own.pending.clear();
            // The thread has an interest in the task, and shall not be kept by it.
            own.mask.come_back();
        }
        for signal in shared.pending.set().iter() {
            if let Some(other) = send::choose(&others, signal) {
                other.signals.demand_attention();
                woken.push(other);
            }
        }
    }
    woken.into_iter().for_each(|other| other.kick());
    stop::check_complete(&task.group);
}

/// The process has ended: its timers stop, and what is pending for it is dropped.
pub fn group_ended(group: &Arc<crate::ThreadGroup>) {
    timers::end(group);
    group.signals.state.lock().pending.discard(!SignalSet::EMPTY);
}

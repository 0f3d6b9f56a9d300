//! Job control: stopping a process and letting it go on.

use std::sync::Arc;

use abi::signal::{Signal, SignalSet};

use super::state::GroupStop;
use crate::{Task, ThreadGroup};

/// Drops pending signals of a process and of all its tasks: a stop signal undoes SIGCONT and the other way round.
pub(super) fn discard(group: &Arc<ThreadGroup>, signals: SignalSet) {
    let tasks = group.tasks();
    let mut state = group.signals.state.lock();
    state.pending.discard(signals);
    for task in tasks {
        task.signals.state.lock().pending.discard(signals);
    }
}

/// SIGCONT was sent: pending stops are dropped, and a stopped process goes on, whatever it does about the signal itself.
pub(super) fn go_on(group: &Arc<ThreadGroup>) {
    let tasks = group.tasks();
    let (was, resting) = {
        let mut state = group.signals.state.lock();
        state.pending.discard(SignalSet::STOPS);
        let mut resting = Vec::new();
        for task in tasks {
            let mut own = task.signals.state.lock();
            own.pending.discard(SignalSet::STOPS);
            if std::mem::take(&mut own.stopped) {
                drop(own);
                // It has not looked at its signals since it came to rest.
                task.signals.demand_attention();
                resting.push(task);
            }
        }
        (state.stop.take(), resting)
    };
    match was {
        Some(GroupStop { complete: true, .. }) => group.notify_parent_continued(),
        // It was on the way to its rest: the parent hears of the stop, as if it had come before.
        Some(GroupStop { signal, complete: false }) => group.notify_parent_stopped(signal.number()),
        None => {}
    }
    for task in resting {
        task.kick();
    }
}

/// A task took a signal that stops its process: all tasks are asked to come to rest.
pub(super) fn begin(group: &Arc<ThreadGroup>, signal: Signal) {
    let tasks = group.tasks();
    let others = {
        let mut state = group.signals.state.lock();
        if state.stop.is_some() {
            return;
        }
        state.stop = Some(GroupStop { signal, complete: false });
        for task in &tasks {
            task.signals.demand_attention();
        }
        tasks
    };
    for task in others {
        task.kick();
    }
}

/// Whether a stop holds this task; then it counts as resting.
pub(super) fn rest(task: &Arc<Task>) -> bool {
    {
        let state = task.group.signals.state.lock();
        if state.stop.is_none() {
            return false;
        }
        task.signals.state.lock().stopped = true;
    }
    check_complete(&task.group);
    true
}

/// Tells the parent once all tasks rest. Called when one has come to rest, and when one has ended.
pub(super) fn check_complete(group: &Arc<ThreadGroup>) {
    let tasks = group.tasks();
    let signal = {
        let mut state = group.signals.state.lock();
        let Some(stop) = state.stop.as_mut().filter(|stop| !stop.complete) else { return };
        let resting = |task: &Arc<Task>| {
            let own = task.signals.state.lock();
            own.stopped || own.ended
        };
        if tasks.is_empty() || !tasks.iter().all(resting) {
            return;
        }
        stop.complete = true;
        stop.signal
    };
    group.notify_parent_stopped(signal.number());
}

/// A new task of a process that is stopping will have to rest too.
pub(crate) fn join_stop(task: &Task) {
    if task.group.signals.state.lock().stop.is_some() {
        task.signals.demand_attention();
    }
}

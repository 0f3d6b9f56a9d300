//! Masks, and whether a change of them lets a signal through.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use abi::signal::{Siginfo, Signal, SignalSet};

use super::actions::{DefaultAction, default_action};
use super::pending;
use super::send;
use super::state::TaskState;
use crate::Task;

impl TaskState {
    /// Ends the use of a temporary mask. Whether there was one.
    pub(crate) fn restore_mask(&mut self) -> bool {
        match self.saved.take() {
            Some(saved) => {
                self.mask.set(saved);
                true
            }
            None => false,
        }
    }
}

/// Replaces the task's mask; SIGKILL and SIGSTOP cannot be blocked. Signals of the process that it blocks now go to another thread.
pub fn set_blocked(task: &Arc<Task>, blocked: SignalSet) {
    change(task, |state| state.mask.set(blocked));
}

/// Replaces the mask until the call that is being carried out has ended, as sigsuspend(2) and ppoll(2) do. A handler that
/// ends the call runs with this mask, and returns to the one before.
pub fn set_blocked_for_call(task: &Arc<Task>, blocked: SignalSet) {
    task.signals.may_have_saved.store(true, Ordering::Relaxed);
    change(task, |state| {
        let before = state.mask.get();
        state.saved.get_or_insert(before);
        state.mask.set(blocked);
    });
}

/// Ends the use of a temporary mask, if there is one: the call has ended without a signal.
pub(crate) fn restore_after_call(task: &Arc<Task>) {
    let needed = task.signals.state.lock().saved.is_some();
    if needed {
        change(task, |state| {
            state.restore_mask();
        });
    }
}

/// Changes what a task blocks, and sees to it that each pending signal of the process has somebody to take it.
fn change(task: &Arc<Task>, how: impl FnOnce(&mut TaskState)) {
    let tasks = task.group.tasks();
    let mut woken = Vec::new();
    {
        let shared = task.group.signals.state.lock();
        let newly = {
            let mut own = task.signals.state.lock();
            let before = own.mask.get();
            how(&mut own);
            let open = (shared.pending.set() | own.pending.set()).without(own.mask.get());
            if !open.is_empty() {
                task.signals.demand_attention();
            }
            if open != shared.pending.set() | own.pending.set() {
                own.mask.announce();
            }
            own.mask.get().without(before)
        };
        let others: Vec<Arc<Task>> = tasks.into_iter().filter(|t| !Arc::ptr_eq(t, task)).collect();
        for signal in (shared.pending.set() & newly).iter() {
            if let Some(other) = send::choose(&others, signal) {
                other.signals.demand_attention();
                woken.push(other);
            }
        }
    }
    for other in woken {
        other.kick();
    }
}

/// The guest may have blocked a signal of the process by itself, after the task was chosen to take it: another one is.
pub(crate) fn hand_on(task: &Arc<Task>) {
    let others: Vec<Arc<Task>> = task.group.tasks().into_iter().filter(|t| !Arc::ptr_eq(t, task)).collect();
    let mut woken = Vec::new();
    {
        let shared = task.group.signals.state.lock();
        let blocked = task.signals.state.lock().mask.get();
        for signal in (shared.pending.set() & blocked).iter() {
            if let Some(other) = send::choose(&others, signal) {
                other.signals.demand_attention();
                woken.push(other);
            }
        }
    }
    woken.into_iter().for_each(|other| other.kick());
}

/// Whether the task has something to see to: a signal that it does not block, a stop, or its end. If not, it is not asked for again.
pub(crate) fn has_work(task: &Task) -> bool {
    if !task.signals.wants_attention() {
        return false;
    }
    let shared = task.group.signals.state.lock();
    let mut own = task.signals.state.lock();
    let open = (shared.pending.set() | own.pending.set()).without(own.mask.get());
    let work = task.is_leaving() || shared.stop.is_some() || !open.is_empty();
    if !work {
        task.signals.clear_attention();
    }
    work
}

/// Pending for the task or its process, and blocked: sigpending(2).
#[must_use]
pub fn pending_blocked(task: &Arc<Task>) -> SignalSet {
    let shared = task.group.signals.state.lock();
    let mut own = task.signals.state.lock();
    (shared.pending.set() | own.pending.set()) & own.mask.get()
}

/// Whether one of these is pending for the task or its process, blocked or not: readiness of signalfd(2).
#[must_use]
pub fn has_pending(task: &Arc<Task>, wanted: SignalSet) -> bool {
    let shared = task.group.signals.state.lock();
    let own = task.signals.state.lock();
    !((shared.pending.set() | own.pending.set()) & wanted).is_empty()
}

/// Takes one of these signals without its action: sigtimedwait(2), signalfd(2).
///
/// # Errors
/// `EAGAIN` if none is pending.
pub fn take_one_of(task: &Arc<Task>, wanted: SignalSet) -> Result<Siginfo, Errno> {
    let wanted = wanted.without(SignalSet::UNBLOCKABLE);
    let queued = {
        let mut shared = task.group.signals.state.lock();
        let mut own = task.signals.state.lock();
        match pending::next(own.pending.set() & wanted) {
            Some(signal) => own.pending.take(signal),
            None => pending::next(shared.pending.set() & wanted).and_then(|s| shared.pending.take(s)),
        }
    };
    Ok(crate::time::process::taken(task, queued.ok_or(Errno::EAGAIN)?))
}

/// Says which signals shall wake the task although it blocks them; none at the end of the wait.
pub fn set_wanted(task: &Arc<Task>, wanted: SignalSet) {
    task.signals.state.lock().wanted = wanted;
}

/// Whether the task's process is ending, or will as soon as the task looks at its signals.
pub(crate) fn is_doomed(task: &Task) -> bool {
    if task.is_leaving() || task.group.exiting().is_some() {
        return true;
    }
    let open = {
        let shared = task.group.signals.state.lock();
        let mut own = task.signals.state.lock();
        (shared.pending.set() | own.pending.set()).without(own.mask.get())
    };
    let ends = |signal| matches!(default_action(signal), DefaultAction::Terminate | DefaultAction::Core);
    open.iter().any(|signal| {
        let acted_upon = task.group.signals.with_actions(|a| a.ignores(signal) || a.handles(signal));
        signal == Signal::SIGKILL || ends(signal) && !acted_upon && !task.group.signals.is_protected()
    })
}

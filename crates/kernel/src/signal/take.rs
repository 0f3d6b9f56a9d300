//! Taking: what a task has to do about its signals before it may go on.

use std::sync::Arc;

use abi::signal::{ActionFlags, SIG_DFL, SIG_IGN, SigAction, Siginfo, Signal, SignalSet};

use super::actions::{DefaultAction, default_action};
use super::mask;
use super::pending::{self, Queued};
use super::state::{GroupState, TaskState};
use super::stop;
use crate::{ExitStatus, Task};

/// What a task does next.
pub(crate) enum Next {
    /// It goes on.
    Nothing,
    /// There is a signal with a handler, for which its registers are needed. The signal is still pending.
    Handler,
    /// A handler is to be run.
    Deliver(Delivery),
    /// It rests until its process is continued or killed.
    Rest,
    /// Its process ends.
    Exit(ExitStatus),
    /// It is ending already, alone or with its process.
    Leave,
}

/// A signal that was taken, and its handler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery {
    pub(crate) signal: Signal,
    pub(crate) info: Siginfo,
    pub(crate) action: SigAction,
}

/// Decides what a task does next. `registers` tells whether they are at hand, so that a handler can be started.
pub(crate) fn take(task: &Arc<Task>, registers: bool) -> Next {
    loop {
        match step(task, registers) {
            Step::Next(next) => {
                if matches!(next, Next::Nothing) && task.signals.is_outside() {
                    mask::hand_on(task);
                }
                return next;
            }
            Step::Rest => {
                if stop::rest(task) {
                    return Next::Rest;
                }
            }
            Step::Stop(signal) => stop::begin(&task.group, signal),
            Step::JobControl(signal) => {
                if !task.kernel.pids.is_orphaned(task.group.process_group()) {
                    stop::begin(&task.group, signal);
                }
            }
            Step::Again => {}
        }
    }
}

enum Step {
    Next(Next),
    Rest,
    Stop(Signal),
    JobControl(Signal),
    Again,
}

fn step(task: &Arc<Task>, registers: bool) -> Step {
    let signals = &task.group.signals;
    let mut shared = signals.state.lock();
    let mut own = task.signals.state.lock();
    if task.is_leaving() {
        return Step::Next(Next::Leave);
    }
    if (shared.pending.set() | own.pending.set()).has(Signal::SIGKILL) {
        return Step::Next(Next::Exit(ExitStatus::KILLED));
    }
    if shared.stop.is_some() {
        return Step::Rest;
    }
    let Some((signal, from_own)) = pick(&shared, &mut own) else {
        if own.restore_mask() {
            return Step::Again;
        }
        if (shared.pending.set() | own.pending.set()).is_empty() {
            own.mask.withdraw();
        }
        task.signals.clear_attention();
        return Step::Next(Next::Nothing);
    };
    let action = signals.action(signal);
    let handler = !matches!(action.handler, SIG_DFL | SIG_IGN);
    if handler && !registers {
        return Step::Next(Next::Handler);
    }
    let pending = if from_own { &mut own.pending } else { &mut shared.pending };
    let Some(queued) = pending.take(signal) else { return Step::Again };
    drop(own);
    drop(shared);
    act(task, signal, action, queued)
}

/// The signal to take next: the task's own before those of its process.
fn pick(shared: &GroupState, own: &mut TaskState) -> Option<(Signal, bool)> {
    if (own.pending.set() | shared.pending.set()).is_empty() {
        // Where the mask lies it may be dear to look at.
        return None;
    }
    let blocked = own.mask.get();
    let next = |set: SignalSet| pending::next(set.without(blocked));
    next(own.pending.set())
        .map(|signal| (signal, true))
        .or_else(|| next(shared.pending.set()).map(|signal| (signal, false)))
}

fn act(task: &Arc<Task>, signal: Signal, action: SigAction, queued: Queued) -> Step {
    let info = crate::time::process::taken(task, queued);
    if task.kernel.strace {
        tracing::info!(target: "strace", tid = task.tid(), "--- {signal} {info} ---");
    }
    match action.handler {
        SIG_IGN => Step::Again,
        SIG_DFL => default(task, signal),
        _ => {
            if action.known_flags().contains(ActionFlags::RESETHAND) {
                task.group.signals.with_actions(|actions| {
                    actions.set(signal, SigAction { handler: SIG_DFL, ..action });
                });
            }
            Step::Next(Next::Deliver(Delivery { signal, info, action }))
        }
    }
}

fn default(task: &Arc<Task>, signal: Signal) -> Step {
    let action = default_action(signal);
    // SIGKILL does not come here, and SIGSTOP from inside was refused by the sender.
    if task.group.signals.is_protected() && signal != Signal::SIGSTOP {
        return Step::Again;
    }
    match action {
        DefaultAction::Ignore | DefaultAction::Continue => Step::Again,
        DefaultAction::Stop if signal == Signal::SIGSTOP => Step::Stop(signal),
        DefaultAction::Stop => Step::JobControl(signal),
        DefaultAction::Terminate | DefaultAction::Core => {
            let signal = u8::try_from(signal.number()).unwrap_or_default();
            // No core file is ever written, so the status does not claim one.
            Step::Next(Next::Exit(ExitStatus::Signaled { signal, core_dumped: false }))
        }
    }
}

/// Raises a signal that the task cannot escape: if it blocks or ignores it, the default action is taken.
pub(crate) fn force(task: &Arc<Task>, info: Siginfo) {
    force_with(task, info, false);
}

/// As [`force`], past a handler too: the process ends.
pub(crate) fn force_fatal(task: &Arc<Task>, signal: Signal) {
    force_with(task, Siginfo::kernel(signal), true);
}

/// As [`force_fatal`], with particulars.
pub(crate) fn force_fatal_with(task: &Arc<Task>, info: Siginfo) {
    force_with(task, info, true);
}

fn force_with(task: &Arc<Task>, info: Siginfo, fatal: bool) {
    let Some(signal) = info.signal() else { return };
    let signals = &task.group.signals;
    let _shared = signals.state.lock();
    let mut own = task.signals.state.lock();
    let mut mask = own.mask.get();
    let blocked = mask.has(signal);
    let default = signals.with_actions(|actions| {
        let action = actions.get(signal);
        if fatal || blocked || action.handler == SIG_IGN {
            actions.set(signal, SigAction { handler: SIG_DFL, ..action });
        }
        !actions.handles(signal)
    });
    mask.remove(signal);
    own.mask.set(mask);
    if default {
        signals.unprotect();
    }
    own.pending.discard(SignalSet::of(&[signal]));
    own.pending.push(signal, Queued { info, timer: None, _charge: None });
    task.signals.demand_attention();
}

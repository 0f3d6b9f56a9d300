//! Changing a disposition: sigaction(2).

use std::sync::Arc;

use abi::signal::{SigAction, Signal, SignalSet};

use super::stop;
use crate::Task;

/// Replaces the action for a signal, and returns the one before. If the signal is now ignored, pending instances of it are dropped, blocked
/// or not, as POSIX demands.
pub fn set_action(task: &Arc<Task>, signal: Signal, action: SigAction) -> SigAction {
    let (before, ignores) = task.group.signals.with_actions(|actions| {
        let before = actions.get(signal);
        actions.set(signal, action);
        (before, actions.ignores(signal))
    });
    if ignores {
        stop::discard(&task.group, SignalSet::of(&[signal]));
    }
    before
}

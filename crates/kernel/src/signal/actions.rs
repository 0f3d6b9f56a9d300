//! Dispositions: what a process wants to happen for each signal.

use abi::signal::{ActionFlags, SIG_DFL, SIG_IGN, SigAction, Signal, SignalSet};

/// What happens by default: the table of signal(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DefaultAction {
    Terminate,
    Core,
    Ignore,
    Stop,
    Continue,
}

/// The default action of a signal.
pub(crate) const fn default_action(signal: Signal) -> DefaultAction {
    match signal {
        Signal::SIGCHLD | Signal::SIGURG | Signal::SIGWINCH => DefaultAction::Ignore,
        Signal::SIGCONT => DefaultAction::Continue,
        Signal::SIGSTOP | Signal::SIGTSTP | Signal::SIGTTIN | Signal::SIGTTOU => DefaultAction::Stop,
        Signal::SIGQUIT
        | Signal::SIGILL
        | Signal::SIGTRAP
        | Signal::SIGABRT
        | Signal::SIGBUS
        | Signal::SIGFPE
        | Signal::SIGSEGV
        | Signal::SIGXCPU
        | Signal::SIGXFSZ
        | Signal::SIGSYS => DefaultAction::Core,
        _ => DefaultAction::Terminate,
    }
}

/// The actions of all signals: shared by tasks cloned with `CLONE_SIGHAND`.
#[derive(Clone)]
pub(crate) struct Actions([SigAction; 64]);

impl Default for Actions {
    fn default() -> Self {
        Self([SigAction { handler: SIG_DFL, flags: 0, restorer: 0, mask: SignalSet::EMPTY }; 64])
    }
}

impl Actions {
    /// The action for a signal.
    pub(crate) fn get(&self, signal: Signal) -> SigAction {
        self.0.get(signal.index()).copied().unwrap_or_default()
    }

    /// Replaces it; unknown flags are cleared, as Linux does for programs to find out what it supports.
    pub(crate) fn set(&mut self, signal: Signal, action: SigAction) {
        if let Some(slot) = self.0.get_mut(signal.index()) {
            let flags = action.known_flags().difference(ActionFlags::UNSUPPORTED).bits();
            let mask = action.mask.without(SignalSet::UNBLOCKABLE);
            *slot = SigAction { flags, mask, ..action };
        }
    }

    /// Whether a signal would have no effect.
    pub(crate) fn ignores(&self, signal: Signal) -> bool {
        match self.get(signal).handler {
            SIG_IGN => true,
            SIG_DFL => matches!(default_action(signal), DefaultAction::Ignore | DefaultAction::Continue),
            _ => false,
        }
    }

    /// Whether a handler is set.
    pub(crate) fn handles(&self, signal: Signal) -> bool {
        !matches!(self.get(signal).handler, SIG_DFL | SIG_IGN)
    }

    /// As execve(2) leaves them: handlers become default, what is ignored stays so, flags and masks go.
    pub(crate) fn reset(&mut self) {
        for action in &mut self.0 {
            let handler = if action.handler == SIG_IGN { SIG_IGN } else { SIG_DFL };
            *action = SigAction { handler, ..SigAction::default() };
        }
    }

    /// The signals whose handler is set, and those that are ignored by choice: `SigCgt` and `SigIgn` of /proc/PID/status.
    pub(crate) fn summary(&self) -> (SignalSet, SignalSet) {
        let (mut caught, mut ignored) = (SignalSet::EMPTY, SignalSet::EMPTY);
        for signal in Signal::all() {
            match self.get(signal).handler {
                SIG_DFL => {}
                SIG_IGN => ignored.insert(signal),
                _ => caught.insert(signal),
            }
        }
        (caught, ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exec_keeps_only_what_is_ignored() {
        let mut actions = Actions::default();
        actions.set(Signal::SIGINT, SigAction { handler: 0x1000, flags: 4, ..SigAction::default() });
        actions.set(Signal::SIGHUP, SigAction { handler: SIG_IGN, flags: 4, ..SigAction::default() });
        actions.reset();
        assert_eq!(actions.get(Signal::SIGINT), SigAction::default());
        assert_eq!(actions.get(Signal::SIGHUP), SigAction { handler: SIG_IGN, ..SigAction::default() });
    }

    #[test]
    fn unknown_flags_are_cleared_and_kill_is_never_masked() {
        let mut actions = Actions::default();
        let mask = SignalSet::of(&[Signal::SIGKILL, Signal::SIGINT]);
        actions.set(Signal::SIGINT, SigAction { handler: 2, flags: 0x4000_0400 | 0x2000, restorer: 0, mask });
        let stored = actions.get(Signal::SIGINT);
        assert_eq!(stored.flags, ActionFlags::NODEFER.bits());
        assert_eq!(stored.mask, SignalSet::of(&[Signal::SIGINT]));
    }

    #[test]
    fn ignored_by_default_are_three_and_continue() {
        let actions = Actions::default();
        let ignored: Vec<Signal> = Signal::all().filter(|s| actions.ignores(*s)).collect();
        assert_eq!(ignored, [Signal::SIGCHLD, Signal::SIGCONT, Signal::SIGURG, Signal::SIGWINCH]);
    }
}

//! What a task and a process know about their signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use abi::signal::{ActionFlags, SIG_IGN, SigAction, Signal, SignalSet};
use parking_lot::{Mutex, RwLock};

use super::actions::Actions;
use super::altstack::AlternateStack;
use super::attention::Attention;
use super::own_mask::Mask;
use super::pending::Pending;
use crate::time::ProcessTimers;

/// Mask, pending signals and alternate stack of a task.
#[derive(Default)]
pub struct TaskSignals {
    pub(crate) state: Mutex<TaskState>,
    pub(super) attention: Attention,
    /// Whether the mask lies beside the guest.
    pub(super) outside: AtomicBool,
    /// How many handlers it has been given to run.
    pub(super) handlers: AtomicU32,
    /// Whether the call that runs now is the restart of one that was cut short. The task alone uses it.
    pub(super) resumed: AtomicBool,
    /// Whether there may be a mask to come back after the call ([`TaskState::saved`]): set by the task that the call is of.
    pub(super) may_have_saved: AtomicBool,
}

/// See [`TaskSignals`].
#[derive(Default)]
pub(crate) struct TaskState {
    /// What it does not want now.
    pub(crate) mask: Mask,
    /// What comes back after the handler, if a call such as sigsuspend(2) has replaced the mask for its duration.
    pub(crate) saved: Option<SignalSet>,
    /// What sigtimedwait(2) is waiting for: wakes it though blocked.
    pub(crate) wanted: SignalSet,
    pub(crate) pending: Pending,
    pub(crate) alt_stack: AlternateStack,
    /// Whether the task has come to rest in a stop of its process.
    pub(crate) stopped: bool,
    /// Set once: the task takes no more signals.
    pub(crate) ended: bool,
    /// The deadline that a call which was cut short, and has a relative timeout, said it must keep if it is restarted.
    pub(crate) restart_deadline: Option<Instant>,
    /// The last fault, which Linux shows in the frames of all later handlers too.
    pub(crate) fault: Fault,
}

/// What a signal frame says about a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    /// `trapno`.
    pub(crate) trap: u64,
    /// `err`.
    pub(crate) error: u64,
    /// `cr2`.
    pub(crate) address: u64,
}

impl TaskSignals {
    /// What is blocked.
    #[must_use]
    pub fn blocked(&self) -> SignalSet {
        self.state.lock().mask.get()
    }

    /// Pending for this task alone.
    #[must_use]
    pub fn pending(&self) -> SignalSet {
        self.state.lock().pending.set()
    }

    /// Whether it rests in a stop of its process (state `T` of /proc/PID/stat).
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.state.lock().stopped
    }

    /// Whether a call has replaced the mask for its duration.
    pub(crate) fn has_temporary_mask(&self) -> bool {
        if !self.may_have_saved.load(Ordering::Relaxed) {
            return false;
        }
        let has = self.state.lock().saved.is_some();
        self.may_have_saved.store(has, Ordering::Relaxed);
        has
    }

    /// For another thread of the process: the mask.
    pub(crate) fn for_thread(&self) -> Self {
        self.for_process(false)
    }

    /// For the first thread of a forked process: the mask, and the alternate stack unless memory is shared for good
    /// (`CLONE_VM` without `CLONE_VFORK`).
    pub(crate) fn for_process(&self, keep_alt_stack: bool) -> Self {
        let mut state = self.state.lock();
        let alt_stack = if keep_alt_stack { state.alt_stack } else { AlternateStack::default() };
        let child = TaskState { mask: Mask::new(state.mask.get()), alt_stack, ..TaskState::default() };
        Self { state: Mutex::new(child), ..Self::default() }
    }

    /// Whether the mask lies beside the guest.
    pub(crate) fn is_outside(&self) -> bool {
        self.outside.load(Ordering::Relaxed)
    }

    /// The mask comes back from beside the guest, whose thread is about to go.
    pub(crate) fn come_back(&self) {
        if self.outside.swap(false, Ordering::Relaxed) {
            self.state.lock().mask.come_back();
        }
    }
}

/// Pending signals, dispositions and stop of a process.
#[derive(Default)]
pub struct GroupSignals {
    pub(crate) state: Mutex<GroupState>,
    actions: RwLock<Arc<Mutex<Actions>>>,
    /// Whether signals without a handler from inside the container do nothing: set for its init.
    protected: AtomicBool,
    pub(crate) timers: ProcessTimers,
}

/// See [`GroupSignals`].
#[derive(Default)]
pub(crate) struct GroupState {
    pub(crate) pending: Pending,
    /// The stop that is asked for or in force.
    pub(crate) stop: Option<GroupStop>,
}

/// A stop by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupStop {
    pub(crate) signal: Signal,
    /// Whether all threads have come to rest and the parent was told.
    pub(crate) complete: bool,
}

impl GroupSignals {
    /// Pending for the process as a whole.
    #[must_use]
    pub fn pending(&self) -> SignalSet {
        self.state.lock().pending.set()
    }

    /// How many signals are queued for the process as a whole.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.state.lock().pending.len()
    }

    /// The action for a signal.
    #[must_use]
    pub fn action(&self, signal: Signal) -> SigAction {
        self.with_actions(|actions| actions.get(signal))
    }

    /// Signals with a handler, and those ignored by choice.
    #[must_use]
    pub fn caught_and_ignored(&self) -> (SignalSet, SignalSet) {
        self.with_actions(|actions| actions.summary())
    }

    /// Makes it the init of a container: signals without a handler from inside do nothing to it.
    pub fn protect(&self) {
        self.protected.store(true, Ordering::Relaxed);
    }

    /// Whether it is protected so.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.protected.load(Ordering::Relaxed)
    }

    /// A fault without a handler ends even the init of a container.
    pub(crate) fn unprotect(&self) {
        self.protected.store(false, Ordering::Relaxed);
    }

    /// What the process does about the end of its children.
    #[must_use]
    pub fn child_disposition(&self) -> ChildDisposition {
        let action = self.action(Signal::SIGCHLD);
        if action.handler == SIG_IGN {
            ChildDisposition::Ignore
        } else if action.known_flags().contains(ActionFlags::NOCLDWAIT) {
            ChildDisposition::NoWait
        } else {
            ChildDisposition::Wait
        }
    }

    /// Whether SIGCHLD is wanted for children that stop and go on (no `SA_NOCLDSTOP`, not ignored).
    #[must_use]
    pub fn wants_child_stops(&self) -> bool {
        let action = self.action(Signal::SIGCHLD);
        action.handler != SIG_IGN && !action.known_flags().contains(ActionFlags::NOCLDSTOP)
    }

    /// Where the dispositions are: the same for processes that share them.
    #[must_use]
    pub fn actions_address(&self) -> u64 {
        Arc::as_ptr(&self.actions.read()).addr() as u64
    }

    pub(crate) fn with_actions<R>(&self, f: impl FnOnce(&mut Actions) -> R) -> R {
        let actions = Arc::clone(&self.actions.read());
        let mut actions = actions.lock();
        f(&mut actions)
    }

    /// For a forked process: the dispositions, as a copy or (`CLONE_SIGHAND`) the same.
    pub(crate) fn for_process(&self, share: bool) -> Self {
        let actions = Arc::clone(&self.actions.read());
        let actions = if share { actions } else { Arc::new(Mutex::new(actions.lock().clone())) };
        Self { actions: RwLock::new(actions), ..Self::default() }
    }

    /// Dispositions of its own, as execve(2) leaves them.
    pub(crate) fn reset_actions(&self) {
        let mut own = self.with_actions(|actions| actions.clone());
        own.reset();
        *self.actions.write() = Arc::new(Mutex::new(own));
    }

    /// `CLONE_CLEAR_SIGHAND`: all handlers become default in a new process.
    pub(crate) fn clear_handlers(&self) {
        self.with_actions(Actions::reset);
    }
}

/// What a process does about the end of its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildDisposition {
    /// It gets the signal and is expected to wait.
    Wait,
    /// `SA_NOCLDWAIT`: it gets the signal; children leave no zombie.
    NoWait,
    /// SIGCHLD is ignored: no signal, no zombie.
    Ignore,
}

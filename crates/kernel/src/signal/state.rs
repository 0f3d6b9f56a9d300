//! What a task and a process know about their signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use abi::signal::{ActionFlags, AltStack, AltStackFlags, SIG_IGN, SigAction, Signal, SignalSet};
use parking_lot::{Mutex, RwLock};
use platform::SyscallArgs;
use vfs::WaitQueue;

use super::actions::Actions;
use super::pending::Pending;

/// Mask, pending signals and alternate stack of a task.
#[derive(Default)]
pub struct TaskSignals {
    pub(crate) state: Mutex<TaskState>,
}

/// See [`TaskSignals`].
#[derive(Default)]
pub(crate) struct TaskState {
    /// What it does not want now.
    pub(crate) blocked: SignalSet,
    /// What comes back after the handler, if a call such as sigsuspend(2) has replaced the mask for its duration.
    pub(crate) saved: Option<SignalSet>,
    /// What sigtimedwait(2) is waiting for: wakes it though blocked.
    pub(crate) wanted: SignalSet,
    pub(crate) pending: Pending,
    pub(crate) alt_stack: Option<AlternateStack>,
    /// Whether the task has come to rest in a stop of its process.
    pub(crate) stopped: bool,
    /// Set once: the task takes no more signals.
    pub(crate) ended: bool,
    pub(crate) restart: Restart,
}

/// What is needed to go on with a call that was cut short and has a relative timeout.
#[derive(Default)]
pub(crate) struct Restart {
    /// The deadline that the call said it must keep if it is restarted.
    pub(crate) deadline: Option<Instant>,
    /// Whether the call that runs now is such a restart.
    pub(crate) resumed: bool,
}

/// An alternate stack, as sigaltstack(2) set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AlternateStack {
    pub(crate) base: u64,
    pub(crate) size: u64,
    pub(crate) autodisarm: bool,
}

impl AlternateStack {
    /// Whether a stack pointer is on it.
    pub(crate) const fn holds(&self, sp: u64) -> bool {
        sp > self.base && sp.wrapping_sub(self.base) <= self.size
    }
}

impl TaskState {
    /// The alternate stack as a frame or sigaltstack(2) reports it, for a task with this stack pointer.
    pub(crate) fn report_alt_stack(&self, sp: u64) -> AltStack {
        let Some(stack) = self.alt_stack else {
            return AltStack { flags: AltStackFlags::DISABLE.bits(), ..AltStack::default() };
        };
        let mut flags = AltStackFlags::empty();
        flags.set(AltStackFlags::AUTODISARM, stack.autodisarm);
        flags.set(AltStackFlags::ONSTACK, !stack.autodisarm && stack.holds(sp));
        AltStack { base: stack.base, flags: flags.bits(), padding: 0, size: stack.size }
    }
}

impl TaskSignals {
    /// What is blocked.
    #[must_use]
    pub fn blocked(&self) -> SignalSet {
        self.state.lock().blocked
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

    /// For another thread of the process: the mask.
    pub(crate) fn for_thread(&self) -> Self {
        let blocked = self.state.lock().blocked;
        Self { state: Mutex::new(TaskState { blocked, ..TaskState::default() }) }
    }

    /// For the first thread of a forked process: the mask, and the alternate stack unless memory is shared for good.
    pub(crate) fn for_process(&self, keep_alt_stack: bool) -> Self {
        let state = self.state.lock();
        let alt_stack = state.alt_stack.filter(|_| keep_alt_stack);
        Self { state: Mutex::new(TaskState { blocked: state.blocked, alt_stack, ..TaskState::default() }) }
    }
}

/// Pending signals, dispositions and stop of a process.
#[derive(Default)]
pub struct GroupSignals {
    pub(crate) state: Mutex<GroupState>,
    actions: RwLock<Arc<Mutex<Actions>>>,
    /// Whether signals without a handler from inside the container do nothing: set for its init.
    protected: AtomicBool,
    /// Notified when a signal becomes pending: for signalfd(2).
    pub(crate) arrived: Arc<WaitQueue>,
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

    /// The queue that is notified when a signal becomes pending for the process or one of its threads.
    #[must_use]
    pub fn arrivals(&self) -> &Arc<WaitQueue> {
        &self.arrived
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

/// The call that a task is in, as restarts need it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupted {
    pub(crate) args: SyscallArgs,
    pub(crate) errno: abi::Errno,
}

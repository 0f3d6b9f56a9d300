//! What a task is doing: running guest code, or carrying a system call through.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use abi::Errno;
use platform::{Stop, SyscallArgs, Thread};

use crate::Outcome;
use crate::clone::Launched;
use crate::signal::Answer;

/// A system call that waits.
pub type Call = Pin<Box<dyn Future<Output = Result<Outcome, Errno>> + Send>>;

/// A system call as its handler starts it.
pub enum Work {
    /// It needed no waiting.
    Done(Result<Outcome, Errno>),
    /// It may need some.
    Later(Call),
}

/// How the registers of a stopped thread can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Not at all: the thread takes a return value and nothing else ([`Stop::Syscall`]).
    Light,
    /// It takes a return value, orders or registers ([`Stop::Trap`]).
    Trap,
    /// It takes registers.
    Registers,
}

/// A call in progress.
pub(crate) struct Current {
    pub(crate) args: SyscallArgs,
    pub(crate) access: Access,
    pub(crate) call: Call,
}

/// A stopped thread whose task has nothing left to do but to see to its signals.
pub(crate) struct Rest {
    pub(crate) access: Access,
    /// The call that has ended, and what the guest is to be told.
    pub(crate) ended: Option<(SyscallArgs, Result<Outcome, Errno>)>,
    /// Whether guest code was interrupted, perhaps in a native futex wait.
    pub(crate) interrupted: bool,
}

impl Rest {
    /// Between two instructions of the guest.
    pub(crate) const fn between(access: Access) -> Self {
        Self { access, ended: None, interrupted: false }
    }

    /// After a call.
    pub(crate) const fn after(args: SyscallArgs, access: Access, result: Result<Outcome, Errno>) -> Self {
        Self { access, ended: Some((args, result)), interrupted: false }
    }

    /// Whether the call ended early because a signal may have come.
    pub(crate) fn cut_short(&self) -> Option<(SyscallArgs, Errno)> {
        match &self.ended {
            Some((args, Err(errno))) if errno.is_restart() || *errno == Errno::EINTR => Some((*args, *errno)),
            _ => None,
        }
    }

    /// A child that has not been made will not be: the call runs again.
    pub(crate) fn give_up_child(&mut self) {
        if let Some((_, result @ Ok(Outcome::Clone(_)))) = &mut self.ended {
            *result = Err(Errno::ERESTARTNOINTR);
        }
    }

    /// Whether a handler can be started from here.
    pub(crate) const fn registers_at_hand(&self) -> bool {
        !matches!(self.access, Access::Light) && !matches!(self.ended, Some((_, Ok(Outcome::Orders(_)))))
    }

    /// What the call has to say in the registers.
    pub(crate) fn answer(&self) -> Answer {
        match &self.ended {
            Some((_, Ok(Outcome::Value(value)))) => Answer::Value(*value),
            Some((args, Err(errno))) if errno.is_restart() => Answer::CutShort(*args, *errno),
            Some((_, Err(errno))) => Answer::Value(errno.to_return()),
            _ => Answer::None,
        }
    }
}

/// The answer of the platform to what a call asked of it.
pub(crate) enum Reply {
    Performed(Vec<Result<u64, Errno>>),
    Cloned(Result<Arc<dyn Thread>, Errno>),
    /// The thread that was to carry it out is gone.
    Lost,
}

/// What there is to do in a task's step besides the stop that it was called for: set with what it tells of, under the lock of the
/// [`Cell`], so that a step with nothing left to do does not take the lock to see that.
#[derive(Default)]
pub(crate) struct Left {
    pub(crate) inbox: AtomicBool,
    pub(crate) call: AtomicBool,
    pub(crate) rest: AtomicBool,
}

/// The serialised part of a task: only touched by the thread that runs the task's step.
#[derive(Default)]
pub(crate) struct Cell {
    pub(crate) thread: Option<Arc<dyn Thread>>,
    /// The thread that an execve(2) in progress prepares: its stops have the next generation.
    pub(crate) next: Option<Arc<dyn Thread>>,
    pub(crate) inbox: VecDeque<(u64, Stop)>,
    pub(crate) current: Option<Current>,
    pub(crate) reply: Option<Reply>,
    /// A call that was answered with `EINTR` for the registers to be fetched: how it really ended.
    pub(crate) cut_short: Option<(SyscallArgs, Errno)>,
    /// A call whose value will be that of the orders under way.
    pub(crate) ordered: Option<SyscallArgs>,
    /// Whether a child's calls are answered beside it, as its parent's, once it starts.
    pub(crate) expects_published: bool,
    /// Where a child made by fork(2) wants its id in its own memory, until it starts.
    pub(crate) first_tid_address: Option<u64>,
    /// The clone that it made last, until it is certain that it has succeeded.
    pub(crate) launched: Option<(SyscallArgs, Launched)>,
    /// The thread rests in a stop of its process.
    pub(crate) rest: Option<Rest>,
}

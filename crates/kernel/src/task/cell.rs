//! What a task is doing: running guest code, or carrying a system call through.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use abi::Errno;
use platform::{Stop, SyscallArgs, Thread};

use crate::Outcome;

/// A system call that waits.
pub type Call = Pin<Box<dyn Future<Output = Result<Outcome, Errno>> + Send>>;

/// A system call as its handler starts it.
pub enum Work {
    /// It needed no waiting.
    Done(Result<Outcome, Errno>),
    /// It may need some.
    Later(Call),
}

/// A call in progress.
pub(crate) struct Current {
    pub(crate) args: SyscallArgs,
    /// Whether the thread's registers can be read and written.
    pub(crate) context: bool,
    pub(crate) call: Call,
}

/// The answer of the platform to what a call asked of it.
pub(crate) enum Reply {
    Performed(Vec<Result<u64, Errno>>),
    Cloned(Result<Arc<dyn Thread>, Errno>),
    /// The thread that was to carry it out is gone.
    Lost,
}

/// The serialised part of a task: only touched by the thread that runs the task's step.
#[derive(Default)]
pub(crate) struct Cell {
    pub(crate) thread: Option<Arc<dyn Thread>>,
    pub(crate) generation: u64,
    /// The thread that an execve(2) in progress prepares: its stops have the next generation.
    pub(crate) next: Option<Arc<dyn Thread>>,
    pub(crate) inbox: VecDeque<(u64, Stop)>,
    pub(crate) current: Option<Current>,
    pub(crate) reply: Option<Reply>,
}

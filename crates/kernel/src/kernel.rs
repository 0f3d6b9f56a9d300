//! What all tasks of a sandbox share.

use std::sync::Arc;

use platform::{Platform, SyscallArgs};

use crate::task::Work;
use crate::time::Timers;
use crate::{Outcome, Task};

/// Finds the handler of a system call.
pub trait Dispatcher: Send + Sync {
    /// Starts a call; the result may be there at once.
    fn dispatch(&self, task: &Arc<Task>, args: &SyscallArgs) -> Work;

    /// A line for `--strace`: the call with its arguments, and its result if it has one yet.
    fn describe(
        &self,
        task: &Task,
        args: &SyscallArgs,
        result: Option<&Result<Outcome, abi::Errno>>,
    ) -> String;
}

/// The kernel of one sandbox.
pub struct Kernel {
    /// Where guests run.
    pub platform: Arc<dyn Platform>,
    /// The system calls.
    pub dispatcher: Box<dyn Dispatcher>,
    /// Timers.
    pub timers: Arc<Timers>,
    /// Whether system calls are logged.
    pub strace: bool,
}

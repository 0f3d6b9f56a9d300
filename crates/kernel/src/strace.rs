//! The log of system calls, for `--strace`.

use std::sync::Arc;

use platform::SyscallArgs;

use crate::task::Rest;
use crate::{Outcome, Task};

/// The number of what is carried out like a call but was not made by a guest: the start of the first program.
pub(crate) const NO_CALL: u64 = u64::MAX;

/// A call begins. Only those that may not come back are logged now.
pub(crate) fn enter(task: &Arc<Task>, args: &SyscallArgs) {
    use abi::nr;
    if task.kernel.strace && matches!(args.number, nr::execve | nr::execveat | nr::exit | nr::exit_group) {
        log(task, args, None);
    }
}

/// A call waits.
pub(crate) fn wait(task: &Arc<Task>, args: &SyscallArgs) {
    if task.kernel.strace {
        log(task, args, None);
    }
}

/// A call has ended.
pub(crate) fn leave(task: &Arc<Task>, rest: &Rest) {
    if let Some((args, result)) =
        rest.ended.as_ref().filter(|(args, _)| task.kernel.strace && args.number != NO_CALL)
    {
        log(task, args, Some(result));
    }
}

fn log(task: &Arc<Task>, args: &SyscallArgs, result: Option<&Result<Outcome, abi::Errno>>) {
    let line = task.kernel.dispatcher.describe(task, args, result);
    tracing::info!(target: "strace", tid = task.tid(), "{line}");
}

//! Before a call is carried out: what the task's filters say of it.

use std::sync::Arc;

use abi::signal::{Siginfo, Signal};
use abi::{Errno, nr};
use platform::SyscallArgs;

use super::run::ARCHITECTURE;
use super::{Action, Data, Seccomp};
use crate::{ExitStatus, Outcome, Task, exit, signal};

/// What strict mode allows.
pub(super) const STRICT: [u64; 4] = [nr::read, nr::write, nr::exit, nr::rt_sigreturn];

/// The largest error number that a call can fail with.
const MOST_ERRNO: u16 = 4095;

/// How a call ends that is not carried out. Nothing: it is.
pub(crate) fn judge(task: &Arc<Task>, args: &SyscallArgs) -> Option<Result<Outcome, Errno>> {
    let state = task.attributes().seccomp.clone();
    let number = args.number & u64::from(u32::MAX);
    if state.always_allows(number) {
        return None;
    }
    let Seccomp::Filtered(filters) = state else {
        tracing::debug!(tid = task.tid(), number, "a call is made in strict mode");
        return Some(Ok(end(task, Signal::SIGKILL)));
    };
    let ip = address(task, args);
    let (action, logs) = filters.decide(&Data::new(number, ip, &args.args));
    if logs || action == Action::Log {
        tracing::debug!(tid = task.tid(), number, ip, ?action, "a filter of the guest's");
    }
    Some(match action {
        Action::Allow | Action::Log => return None,
        // Never as an error of the kernel's own: a filter may name those that stand for a restart.
        Action::Errno(number) => Ok(failure(number.min(MOST_ERRNO))),
        Action::Trap(data) => {
            let info = info(number, ip, data);
            signal::force(task, info);
            Ok(Outcome::Value(number))
        }
        Action::KillThread if task.group.tasks().iter().any(|t| t.tid() != task.tid() && !t.is_leaving()) => {
            Ok(end(task, Signal::SIGSYS))
        }
        Action::KillThread | Action::KillProcess => {
            signal::force_fatal_with(task, info(number, ip, 0));
            Ok(Outcome::Value(number))
        }
        // There is neither a tracer nor a listener.
        Action::Trace(_) | Action::Notify => Err(Errno::ENOSYS),
    })
}

fn failure(number: u16) -> Outcome {
    Outcome::Value(u64::from(number).wrapping_neg())
}

fn info(number: u64, ip: u64, data: u16) -> Siginfo {
    Siginfo::syscall(ip, i32::try_from(number).unwrap_or(-1), ARCHITECTURE, i32::from(data))
}

/// The address behind the instruction that made the call.
fn address(task: &Task, args: &SyscallArgs) -> u64 {
    if args.ip != 0 {
        return args.ip;
    }
    let registers = task.thread().and_then(|thread| thread.registers().ok());
    registers.map_or(0, |registers| registers.rip)
}

/// The thread ends as if the signal had killed it; with it the process, if it is the last.
fn end(task: &Arc<Task>, by: Signal) -> Outcome {
    exit::exit_task_with(
        task,
        ExitStatus::Signaled { signal: u8::try_from(by.number()).unwrap_or_default(), core_dumped: false },
    );
    Outcome::Ended
}

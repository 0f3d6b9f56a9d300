//! sigaltstack(2), rt_sigreturn(2), restart_syscall(2).

use std::sync::Arc;

use abi::Errno;
use abi::signal::AltStack;
use kernel::signal::{self, altstack};
use kernel::{Outcome, Task, UserPtr};

/// Reads the alternate stack and replaces it.
///
/// # Errors
/// `EPERM` while it is in use, `EINVAL`, `ENOMEM` if it is too small, `EFAULT`.
pub fn sigaltstack(task: &Arc<Task>, new: UserPtr<AltStack>, old: UserPtr<AltStack>) -> Result<(), Errno> {
    let memory = task.memory();
    let sp = task.thread().ok_or(Errno::ESRCH)?.stack_pointer()?;
    let stack = new.some().map(|new| new.read(&*memory)).transpose()?;
    let before = altstack::get(task, sp);
    if let Some(stack) = stack {
        altstack::set(task, sp, &stack)?;
    }
    match old.some() {
        Some(old) => old.write(&*memory, &before),
        None => Ok(()),
    }
}

/// Ends a handler.
///
/// # Errors
/// `ESRCH` if the thread is gone. A bad frame is no error but SIGSEGV.
pub fn rt_sigreturn(task: &Arc<Task>) -> Result<Outcome, Errno> {
    signal::sigreturn(task).map(|()| Outcome::Context)
}

/// Goes on with a call that was cut short. There never is one: the kernel runs such calls again without the guest's help.
///
/// # Errors
/// `EINTR` always.
pub fn restart_syscall(_: &Arc<Task>) -> Result<(), Errno> {
    Err(Errno::EINTR)
}

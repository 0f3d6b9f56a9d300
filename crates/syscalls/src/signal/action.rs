//! rt_sigaction(2).

use std::sync::Arc;

use abi::Errno;
use abi::signal::{SigAction, Signal};
use kernel::{Task, UserPtr};

use super::{SetSize, SignalNumber};

/// Reads the action for a signal and replaces it.
///
/// # Errors
/// `EINVAL` for a bad signal or size, and for a new action for SIGKILL or SIGSTOP; `EFAULT`.
pub fn rt_sigaction(
    task: &Arc<Task>,
    signal: SignalNumber,
    new: UserPtr<SigAction>,
    old: UserPtr<SigAction>,
    size: SetSize,
) -> Result<(), Errno> {
    size.check()?;
    let memory = task.memory();
    let action = new.some().map(|new| new.read(&*memory)).transpose()?;
    let signal = Signal::new(signal.0)?;
    if signal.is_unblockable() && action.is_some() {
        return Err(Errno::EINVAL);
    }
    let before = match action {
        Some(action) => kernel::signal::set_action(task, signal, action),
        None => task.group.signals.action(signal),
    };
    match old.some() {
        Some(old) => old.write(&*memory, &before),
        None => Ok(()),
    }
}

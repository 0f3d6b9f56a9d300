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
    if action.is_some() && task.interrupted() {
        // What was sent before the call finds the action that was there before it, although the call was under way already.
        return Err(Errno::ERESTARTNOINTR);
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

#[cfg(test)]
mod tests {
    use abi::signal::{SIG_DFL, SIG_IGN};
    use zerocopy::IntoBytes;

    use super::*;
    use crate::testing::guest;

    #[test]
    fn what_came_before_a_new_action_finds_the_old_one() {
        let guest = guest();
        let new = SigAction { handler: SIG_IGN, ..SigAction::default() };
        guest.put(0, new.as_bytes());
        let number = SignalNumber(Signal::SIGUSR2.number());
        let change = |new| rt_sigaction(&guest.task, number, new, guest.pointer(64), SetSize(8));
        let handler = || guest.task.group.signals.action(Signal::SIGUSR2).handler;
        guest.interrupt();
        assert_eq!(change(guest.pointer(0)), Err(Errno::ERESTARTNOINTR));
        assert_eq!(handler(), SIG_DFL);
        // To look is no change.
        assert_eq!(change(UserPtr::new(0)), Ok(()));
        kernel::signal::take_one_of(&guest.task, abi::signal::SignalSet::of(&[Signal::SIGUSR2])).unwrap();
        assert_eq!(change(guest.pointer(0)), Ok(()));
        assert_eq!(handler(), SIG_IGN);
    }
}

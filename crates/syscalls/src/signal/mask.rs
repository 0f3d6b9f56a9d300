//! rt_sigprocmask(2), rt_sigpending(2).

use std::sync::Arc;

use abi::Errno;
use abi::signal::SignalSet;
use kernel::memory::write_all;
use kernel::{Task, UserAddr, UserPtr, signal};
use zerocopy::IntoBytes;

use super::SetSize;

const SIG_BLOCK: i32 = 0;
const SIG_UNBLOCK: i32 = 1;
const SIG_SETMASK: i32 = 2;

/// Reads the mask of the calling task and changes it.
///
/// # Errors
/// `EINVAL` for a bad size, or a bad `how` if there is a new set; `EFAULT`.
pub fn rt_sigprocmask(
    task: &Arc<Task>,
    how: i32,
    set: UserPtr<SignalSet>,
    old: UserPtr<SignalSet>,
    size: SetSize,
) -> Result<(), Errno> {
    size.check()?;
    let memory = task.memory();
    let before = task.signals.blocked();
    if let Some(set) = set.some() {
        let set = set.read(&*memory)?;
        signal::set_blocked(
            task,
            match how {
                SIG_BLOCK => before | set,
                SIG_UNBLOCK => before.without(set),
                SIG_SETMASK => set,
                _ => return Err(Errno::EINVAL),
            },
        );
    }
    match old.some() {
        Some(old) => old.write(&*memory, &before),
        None => Ok(()),
    }
}

/// The signals that are pending and blocked. Writes no more of the set than the caller has room for.
///
/// # Errors
/// `EINVAL` for a size above that of the set, `EFAULT`.
pub fn rt_sigpending(task: &Arc<Task>, set: UserAddr, size: usize) -> Result<(), Errno> {
    let pending = signal::pending_blocked(task);
    let bytes = pending.as_bytes().get(..size).ok_or(Errno::EINVAL)?;
    write_all(&*task.memory(), set, bytes)
}

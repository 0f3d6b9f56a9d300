//! set_robust_list(2), get_robust_list(2), set_tid_address(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Outcome, Task, UserAddr, UserPtr, inspect};
use platform::Order;

/// Size of `struct robust_list_head`.
const HEAD_SIZE: u64 = 24;

/// Notes where the thread's list of held robust futexes is.
///
/// # Errors
/// `EINVAL`.
pub fn set_robust_list(task: &Arc<Task>, head: UserAddr, length: u64) -> Result<(), Errno> {
    if length != HEAD_SIZE {
        return Err(Errno::EINVAL);
    }
    task.set_robust_list(head.0, length);
    Ok(())
}

/// Tells where that list is.
///
/// # Errors
/// `ESRCH`, `EPERM`, `EFAULT`.
pub fn get_robust_list(
    task: &Arc<Task>,
    tid: i32,
    head: UserPtr<u64>,
    length: UserPtr<u64>,
) -> Result<(), Errno> {
    let other = if tid == 0 { Arc::clone(task) } else { task.task_of(tid).ok_or(Errno::ESRCH)? };
    inspect::may_read(task, &other)?;
    let (at, size) = other.robust_list();
    length.write(&*task.memory(), &(if size == 0 { HEAD_SIZE } else { size }))?;
    head.write(&*task.memory(), &at)
}

/// Has the host clear a word and wake its waiters when the thread ends. Returns the thread id.
///
/// # Errors
/// None.
pub async fn set_tid_address(task: &Arc<Task>, address: UserAddr) -> Result<Outcome, Errno> {
    task.attributes().clear_child_tid = address.0;
    task.perform(vec![Order::SetClearChildTid { address: address.0 }]).await?;
    Ok(task.own_tid().into())
}

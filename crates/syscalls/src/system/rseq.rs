//! rseq(2). The host registers a thread's area itself; here comes what a filter of the guest's watches.

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use platform::Order;

/// Registers the area of the calling thread with the host, whose scheduler restarts the thread's sequences, or ends that. A copy of the process
/// made by fork(2) has the registration too, a new thread and a new program do not.
///
/// # Errors
/// `EINVAL`, `EBUSY`, `EPERM`, `EFAULT`; `ENOSYS` on hosts without it.
pub async fn rseq(
    task: &Arc<Task>,
    area: u64,
    length: u32,
    flags: u32,
    signature: u32,
) -> Result<u64, Errno> {
    let done = task.perform(vec![Order::Restartable { area, length, flags, signature }]).await?;
    done.into_iter().next().unwrap_or(Err(Errno::ENOSYS))
}

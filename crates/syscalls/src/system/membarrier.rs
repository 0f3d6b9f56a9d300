//! membarrier(2). The host carries most commands out for guests themselves; here come the query, and what a filter of the guest's watches.

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use platform::Order;
use platform::stubs::filter::table::BARRIERS;

/// `MEMBARRIER_CMD_QUERY`.
const QUERY: u32 = 0;

/// Carries out a command, or tells which there are: those of the host's.
///
/// # Errors
/// `EINVAL`; `EPERM` for a barrier that needs a registration first; `ENOSYS` on hosts that have none.
pub async fn membarrier(task: &Arc<Task>, command: u32, flags: u32, _: i32) -> Result<u64, Errno> {
    if flags != 0 || !(command == QUERY || BARRIERS.contains(&command)) {
        return Err(Errno::EINVAL);
    }
    let done = task.perform(vec![Order::Barrier { command }]).await?;
    let result = done.into_iter().next().unwrap_or(Err(Errno::ENOSYS))?;
    let known = BARRIERS.iter().fold(0, |all, bit| all | u64::from(*bit));
    Ok(if command == QUERY { result & known } else { result })
}

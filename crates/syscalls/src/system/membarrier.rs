//! membarrier(2).

use std::sync::Arc;

use abi::Errno;
use kernel::Task;

/// `MEMBARRIER_CMD_QUERY`.
const QUERY: i32 = 0;

/// Tells which kinds of barrier there are: none that a guest's threads could use, since the host's barrier would have to be
/// called by the guest itself. Programs fall back to fences.
///
/// # Errors
/// `EINVAL` for all but the query.
pub fn membarrier(_: &Arc<Task>, command: i32, flags: u32, _: i32) -> Result<i32, Errno> {
    if command == QUERY && flags == 0 { Ok(0) } else { Err(Errno::EINVAL) }
}

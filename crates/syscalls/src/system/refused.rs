//! Calls that a container's processes may not make, as Linux refuses them without privilege.

use std::sync::Arc;

use abi::Errno;
use kernel::Task;

/// What concerns the machine as a whole, whoever asks.
///
/// # Errors
/// `EPERM` always.
pub fn not_permitted(_: &Arc<Task>) -> Result<u64, Errno> {
    Err(Errno::EPERM)
}

//! mincore(2), where it does not happen natively.

use std::sync::Arc;

use abi::Errno;
use abi::memory::PAGE_SIZE;
use kernel::{Outcome, Task};
use platform::Order;

/// Tells which pages are in memory.
///
/// # Errors
/// `EINVAL`, `ENOMEM`, `EFAULT`.
pub fn mincore(task: &Arc<Task>, address: u64, length: u64, vector: u64) -> Result<Outcome, Errno> {
    if !address.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    let own = task.kernel.platform.reserved_range();
    let end = address.checked_add(length).ok_or(Errno::ENOMEM)?;
    if address < own.end && end > own.start {
        return Err(Errno::ENOMEM);
    }
    if vector.checked_add(length.div_ceil(PAGE_SIZE)).is_none_or(|end| vector < own.end && end > own.start) {
        return Err(Errno::EFAULT);
    }
    Ok(Outcome::Orders(vec![Order::Residency { address, length, vector }]))
}

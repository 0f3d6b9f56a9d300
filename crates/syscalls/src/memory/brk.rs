//! brk(2).

use std::sync::Arc;

use abi::Errno;
use kernel::limits::Resource;
use kernel::{Outcome, Task};
use platform::Order;

/// Moves the program break. Returns the new one, or the old one if it cannot be moved there.
///
/// # Errors
/// None that a guest sees.
pub fn brk(task: &Arc<Task>, wanted: u64) -> Result<Outcome, Errno> {
    let heap = task.space().heap();
    let limit = task.group.limits.lock().get(Resource::Data).soft;
    let end = task.kernel.platform.address_range().end;
    if wanted < heap.start || wanted - heap.start > limit || wanted > end {
        return Ok(Outcome::Value(heap.end));
    }
    Ok(Outcome::Orders(vec![Order::Break { to: wanted }]))
}

//! brk(2).

use std::ops::Range;
use std::sync::Arc;

use abi::Errno;
use abi::memory::{MAP_PRIVATE, MapFlags, PAGE_SIZE, Protection};
use kernel::Task;
use kernel::limits::Resource;
use platform::{Order, Source};

const fn page_up(at: u64) -> u64 {
    at.saturating_add(PAGE_SIZE - 1) & !(PAGE_SIZE - 1)
}

/// Moves the program break. Returns the new one, or the old one if it cannot be moved there.
///
/// # Errors
/// None that a guest sees.
pub async fn brk(task: &Arc<Task>, wanted: u64) -> Result<u64, Errno> {
    let space = task.space();
    let Range { start, end: old } = space.heap();
    let limit = task.group.limits.lock().get(Resource::Data).soft;
    if wanted < start || wanted - start > limit || wanted > task.kernel.platform.address_range().end {
        return Ok(old);
    }
    let (from, to) = (page_up(old), page_up(wanted));
    let order = if to > from {
        Some(Order::Map {
            address: from,
            length: to - from,
            protection: (Protection::READ | Protection::WRITE).bits(),
            flags: MapFlags::FIXED_NOREPLACE.bits() | MAP_PRIVATE,
            source: Source::Anonymous,
        })
    } else if to < from {
        Some(Order::Unmap { address: to, length: from - to })
    } else {
        None
    };
    if let Some(order) = order
        && task.perform(vec![order]).await?.iter().any(Result::is_err)
    {
        return Ok(old);
    }
    space.move_break(wanted);
    Ok(wanted)
}

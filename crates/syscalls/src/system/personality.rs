//! personality(2). Of the bits that change how Linux behaves, `ADDR_NO_RANDOMIZE`, `STICKY_TIMEOUTS`, `UNAME26` and the machine's name of
//! `PER_LINUX32` do; the others are kept and told: the layout of memory is chosen in one way here.

use std::sync::Arc;

use abi::Errno;
use kernel::Task;

/// Asks without changing.
const QUERY: u32 = 0xffff_ffff;

/// Sets the execution domain. Returns the old one.
///
/// # Errors
/// None.
pub fn personality(task: &Arc<Task>, wanted: u32) -> Result<u32, Errno> {
    let mut attributes = task.attributes();
    let old = attributes.personality;
    if wanted != QUERY {
        attributes.personality = wanted;
    }
    Ok(old)
}

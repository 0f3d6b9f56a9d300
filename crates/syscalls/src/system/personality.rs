//! personality(2).

use std::sync::Arc;

use abi::Errno;
use kernel::Task;

/// Asks without changing.
const QUERY: u32 = 0xffff_ffff;
/// `ADDR_NO_RANDOMIZE` and the bits that have no effect on x86-64 here: `READ_IMPLIES_EXEC` and the emulations of other systems are not there.
const KNOWN: u32 = 0x0004_0000 | 0x0800_0000;

/// Sets the execution domain. Returns the old one.
///
/// # Errors
/// `EINVAL` for domains that are not there.
pub fn personality(task: &Arc<Task>, wanted: u32) -> Result<u32, Errno> {
    let mut attributes = task.attributes();
    let old = attributes.personality;
    if wanted != QUERY {
        if wanted & !KNOWN != 0 {
            return Err(Errno::EINVAL);
        }
        attributes.personality = wanted;
    }
    Ok(old)
}

//! pkey_alloc(2), pkey_free(2), pkey_mprotect(2), as on a processor without protection keys.

use std::sync::Arc;

use abi::Errno;
use kernel::{Outcome, Task};

use super::range::mprotect;

/// There is no key to be had.
///
/// # Errors
/// `EINVAL`, as Linux says where the processor has none.
pub fn pkey_alloc(_: &Arc<Task>, _: u64, _: u64) -> Result<u64, Errno> {
    Err(Errno::EINVAL)
}

/// No key was ever given out.
///
/// # Errors
/// `EINVAL`.
pub fn pkey_free(_: &Arc<Task>, _: i32) -> Result<u64, Errno> {
    Err(Errno::EINVAL)
}

/// With the key -1 it is mprotect(2).
///
/// # Errors
/// `EINVAL` with any other key; as mprotect.
pub fn pkey_mprotect(
    task: &Arc<Task>,
    address: u64,
    length: u64,
    protection: u32,
    key: i32,
) -> Result<Outcome, Errno> {
    if key == -1 { mprotect(task, address, length, protection) } else { Err(Errno::EINVAL) }
}

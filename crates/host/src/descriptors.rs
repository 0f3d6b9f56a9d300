//! How many descriptors a process may have, and how fast it gets them.

use std::os::fd::AsFd;

use abi::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::errno_of;

/// Descriptors that there is room for from the start; 8 bytes of the host's kernel each.
const ROOM: i32 = 8192;

/// Raises the limit to what the host allows, and has the host's kernel make room for many descriptors at once. It doubles the room as descriptors
/// come, and for a process with threads waits each time until all processors have let go of the old table: 5 to 20 ms at the 64th file, the 128th
/// ... So this is for a process that will have threads, and has none yet. `any` is a descriptor of the process.
///
/// # Errors
/// `EPERM` if the limit cannot be raised. With less room than wished for, all is only slower.
pub fn make_room(any: impl AsFd) -> Result<(), Errno> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).map_err(errno_of)?;
    let last = maximum.and_then(|most| i32::try_from(most).ok()).map_or(ROOM, |most| most.min(ROOM)) - 1;
    drop(rustix::io::fcntl_dupfd_cloexec(any, last));
    Ok(())
}

//! exit(2) and exit_group(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{ExitStatus, Outcome, Task};

/// The part of a status that a parent can see.
const fn visible(status: i32) -> u8 {
    let [low, ..] = status.to_le_bytes();
    low
}

/// Ends the calling thread.
///
/// # Errors
/// None.
pub fn exit(task: &Arc<Task>, status: i32) -> Result<Outcome, Errno> {
    kernel::exit::exit_task(task, visible(status));
    Ok(Outcome::Ended)
}

/// Ends the process.
///
/// # Errors
/// None.
pub fn exit_group(task: &Arc<Task>, status: i32) -> Result<Outcome, Errno> {
    kernel::exit::exit_group(&task.group, ExitStatus::Exited(visible(status)));
    Ok(Outcome::Ended)
}

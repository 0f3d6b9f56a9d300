//! vhangup(2).

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use vfs::Capability;

/// Takes the caller's controlling terminal from everybody who has it open.
///
/// # Errors
/// `EPERM`.
pub fn vhangup(task: &Arc<Task>) -> Result<(), Errno> {
    task.credentials().need(Capability::SysTtyConfig)?;
    if let Some(terminal) = task.kernel.pids.controlling(task.pid()) {
        terminal.hang_up();
    }
    Ok(())
}

//! ioprio_get(2), ioprio_set(2). The values are kept; the host's block devices do not hear of them.

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use vfs::Capability;

use super::priority::may_change;

const IOPRIO_WHO_PROCESS: u32 = 1;
/// Where the class stands in a value.
const CLASS_SHIFT: i32 = 13;
const CLASS_MASK: i32 = 7;
const LEVEL_MASK: i32 = 7;
const CLASS_NONE: i32 = 0;
const CLASS_REALTIME: i32 = 1;
const CLASS_BEST_EFFORT: i32 = 2;
const CLASS_IDLE: i32 = 3;

fn target(task: &Arc<Task>, which: u32, who: i32) -> Result<Arc<Task>, Errno> {
    if which != IOPRIO_WHO_PROCESS {
        return Err(Errno::EINVAL);
    }
    if who == 0 { Ok(Arc::clone(task)) } else { task.kernel.task(who).ok_or(Errno::ESRCH) }
}

/// Reads it.
///
/// # Errors
/// `EINVAL`, `ESRCH`.
pub fn ioprio_get(task: &Arc<Task>, which: u32, who: i32) -> Result<i32, Errno> {
    let value = target(task, which, who)?.attributes().io_priority;
    Ok(value)
}

/// Sets it.
///
/// # Errors
/// `EINVAL`, `ESRCH`, `EPERM`.
pub fn ioprio_set(task: &Arc<Task>, which: u32, who: i32, value: i32) -> Result<(), Errno> {
    let (class, level) = ((value >> CLASS_SHIFT) & CLASS_MASK, value & LEVEL_MASK);
    match class {
        CLASS_REALTIME => {
            let own = task.credentials();
            if !own.has(Capability::SysNice) {
                own.need(Capability::SysAdmin)?;
            }
        }
        CLASS_NONE if level != 0 => return Err(Errno::EINVAL),
        CLASS_NONE | CLASS_BEST_EFFORT | CLASS_IDLE => {}
        _ => return Err(Errno::EINVAL),
    }
    let target = target(task, which, who)?;
    may_change(task, &target)?;
    target.attributes().io_priority = value;
    Ok(())
}

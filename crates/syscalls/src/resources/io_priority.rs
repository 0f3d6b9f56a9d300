//! ioprio_get(2), ioprio_set(2). The values are kept; the host's block devices do not hear of them.

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use vfs::Capability;

use super::priority::{may_change, targets};

/// `IOPRIO_WHO_PROCESS`; those of process groups and users follow.
const IOPRIO_WHO_PROCESS: u32 = 1;
/// Where the class stands in a value.
const CLASS_SHIFT: i32 = 13;
const CLASS_MASK: i32 = 7;
const LEVEL_MASK: i32 = 7;
const CLASS_NONE: i32 = 0;
const CLASS_REALTIME: i32 = 1;
const CLASS_BEST_EFFORT: i32 = 2;
const CLASS_IDLE: i32 = 3;

/// Whom a pair of arguments means, as for getpriority(2).
fn whom(task: &Arc<Task>, which: u32, who: i32) -> Result<Vec<Arc<Task>>, Errno> {
    targets(task, which.checked_sub(IOPRIO_WHO_PROCESS).ok_or(Errno::EINVAL)?, who)
}

/// Reads it: the highest of all that are meant, which has the lowest number.
///
/// # Errors
/// `EINVAL`, `ESRCH`.
pub fn ioprio_get(task: &Arc<Task>, which: u32, who: i32) -> Result<i32, Errno> {
    let all = whom(task, which, who)?;
    Ok(all.iter().map(|target| target.attributes().io_priority).min().unwrap_or(CLASS_NONE))
}

/// Sets it, of one after the other up to the first that the caller may not change.
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
    for target in whom(task, which, who)? {
        may_change(task, &target)?;
        target.attributes().io_priority = value;
    }
    Ok(())
}

//! getrusage(2), times(2).

use std::sync::Arc;
use std::time::Duration;

use abi::Errno;
use abi::resource::{Rusage, Tms};
use abi::time::Timeval;
use kernel::accounting::Consumption;
use kernel::{Task, UserPtr};

const RUSAGE_SELF: i32 = 0;
const RUSAGE_CHILDREN: i32 = -1;
const RUSAGE_THREAD: i32 = 1;

fn timeval(time: Duration) -> Timeval {
    Timeval { sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX), usec: i64::from(time.subsec_micros()) }
}

/// The structure for what was used. What the host does not tell of a guest is zero, as Linux leaves fields that it does not keep.
pub(crate) fn to_rusage(used: Consumption, peak: u64) -> Rusage {
    Rusage {
        user: timeval(used.user),
        system: timeval(used.system),
        max_resident: i64::try_from(peak).unwrap_or(i64::MAX),
        ..Rusage::default()
    }
}

/// Reports what was used.
///
/// # Errors
/// `EINVAL`, `EFAULT`.
pub async fn getrusage(task: &Arc<Task>, who: i32, usage: UserPtr<Rusage>) -> Result<(), Errno> {
    let group = &task.group;
    let (used, peak) = match who {
        RUSAGE_SELF => (group.consumption(), group.peak_resident().await),
        RUSAGE_CHILDREN => {
            let accounts = group.usage.lock().clone();
            (accounts.children, accounts.children_peak.exact().await)
        }
        RUSAGE_THREAD => {
            let used = task.thread().ok_or(Errno::ESRCH)?.cpu_time();
            (used.into(), group.peak_resident().await)
        }
        _ => return Err(Errno::EINVAL),
    };
    usage.write(&*task.memory(), &to_rusage(used, peak))
}

/// Hundredths of a second: the unit of clock_t on all of Linux.
fn ticks(time: Duration) -> i64 {
    i64::try_from(time.as_millis() / 10).unwrap_or(i64::MAX)
}

/// Reports CPU times. Returns the clock ticks since the sandbox started.
///
/// # Errors
/// `EFAULT`.
pub fn times(task: &Arc<Task>, buffer: UserPtr<Tms>) -> Result<u64, Errno> {
    if let Some(at) = buffer.some() {
        let own = task.group.consumption();
        let children = task.group.usage.lock().children;
        let told = Tms {
            user: ticks(own.user),
            system: ticks(own.system),
            children_user: ticks(children.user),
            children_system: ticks(children.system),
        };
        at.write(&*task.memory(), &told)?;
    }
    Ok(ticks(task.kernel.started.elapsed()).unsigned_abs())
}

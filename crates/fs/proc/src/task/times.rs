//! CPU time in the units of proc(5).

use std::time::Duration;

use kernel::accounting::Consumption;
use kernel::{Kernel, ThreadGroup};

/// Ticks of 10 ms (`USER_HZ` is 100).
pub(crate) fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / 10).unwrap_or(u64::MAX)
}

/// What a process used itself: its host process, and those of its earlier program images.
pub(crate) fn used_by(group: &ThreadGroup) -> Consumption {
    group.consumption()
}

/// What all living processes and those that were waited for used.
pub(crate) fn used_by_all(kernel: &Kernel) -> Consumption {
    let groups = kernel.pids.groups();
    groups
        .iter()
        .fold(Consumption::default(), |sum, group| sum.plus(used_by(group)).plus(group.usage.lock().children))
}

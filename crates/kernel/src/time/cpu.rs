//! CPU time as something to wait for: it is looked at from time to time.

use std::time::Duration;

/// How often at most: Linux looks at each tick of 250 a second.
pub(super) const TICK: Duration = Duration::from_millis(4);

/// How long it takes at least until `threads` threads have used this much CPU time together.
pub(super) fn earliest(left: Duration, threads: usize) -> Duration {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let together = u32::try_from(threads.clamp(1, cpus)).unwrap_or(1);
    if left.is_zero() { left } else { (left / together).max(TICK) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_uses_no_more_than_the_time_that_passes() {
        assert_eq!(earliest(Duration::from_secs(3), 1), Duration::from_secs(3));
        assert_eq!(earliest(Duration::ZERO, 1), Duration::ZERO);
        assert_eq!(earliest(Duration::from_micros(1), 9), TICK);
    }
}

//! The machine that the sandbox runs on.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// How much of its memory the sandbox may use, in bytes.
static LIMIT: AtomicU64 = AtomicU64::new(u64::MAX);

/// How much processor time the sandbox may use in each period, and how long that is, in microseconds.
static TIME: Mutex<Option<(u64, u64)>> = Mutex::new(None);

/// Notes that the sandbox gets no more than so much processor time in each period, both in microseconds. Whoever enforces that is the host.
pub fn limit_time(quota_and_period: Option<(u64, u64)>) {
    *TIME.lock() = quota_and_period.filter(|(_, period)| *period > 0);
}

/// What was noted.
#[must_use]
pub fn time_limit() -> Option<(u64, u64)> {
    *TIME.lock()
}

/// Processors that the sandbox may use: those that this process may run on, or as many as its time comes to.
#[must_use]
pub fn processors() -> usize {
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    // The last of them perhaps in part.
    let worth = time_limit().map(|(quota, period)| quota.div_ceil(period).max(1));
    worth.and_then(|count| usize::try_from(count).ok()).map_or(available, |count| available.min(count))
}

/// One more than the highest number of a processor that this process may run on: a limit of time does not change where threads are.
#[must_use]
pub fn possible_processors() -> usize {
    let Ok(set) = rustix::thread::sched_getaffinity(None) else { return processors() };
    let highest = (0..rustix::thread::CpuSet::MAX_CPU).rev().find(|cpu| set.is_set(*cpu));
    highest.map_or(1, |cpu| cpu.saturating_add(1))
}

/// Notes that the sandbox may use only so many bytes of memory. Whoever enforces that is the host.
pub fn limit_memory(bytes: u64) {
    LIMIT.store(bytes, Ordering::Relaxed);
}

/// The limit that was noted.
#[must_use]
pub fn memory_limit() -> Option<u64> {
    Some(LIMIT.load(Ordering::Relaxed)).filter(|limit| *limit != u64::MAX)
}

/// Bytes of memory that there are for the sandbox: sysinfo(2), or the limit it was given.
#[must_use]
pub fn memory() -> u64 {
    let info = rustix::system::sysinfo();
    u64::from(info.mem_unit).saturating_mul(info.totalram).min(LIMIT.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_if_it_is_below_what_there_is() {
        let all = memory();
        assert!(all > 1 << 20);
        limit_memory(1 << 20);
        assert_eq!(memory(), 1 << 20);
        limit_memory(u64::MAX);
        assert_eq!(memory(), all);
    }

    #[test]
    fn a_limit_of_time_is_worth_processors() {
        let all = processors();
        limit_time(Some((50_000, 100_000)));
        assert_eq!(processors(), 1);
        limit_time(Some((u64::MAX, 1)));
        assert_eq!(processors(), all);
        limit_time(None);
        assert_eq!((processors(), time_limit()), (all, None));
    }
}

//! How long each test took: what dominates a run is shown at its end.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Names and durations of what has ended.
static TIMES: Mutex<Vec<(String, Duration)>> = Mutex::new(Vec::new());

/// How many of the slowest are shown.
const SHOWN: usize = 20;

/// Runs a test and keeps how long it took.
pub fn taken<T>(name: &str, test: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = test();
    TIMES.lock().unwrap_or_else(PoisonError::into_inner).push((name.to_owned(), start.elapsed()));
    result
}

/// The slowest, one a line; nothing if nothing ran.
#[must_use]
pub fn slowest() -> String {
    let mut times = TIMES.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if times.is_empty() {
        return String::new();
    }
    times.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let lines =
        times.iter().take(SHOWN).map(|(name, time)| format!("{:>7.1} s {name}\n", time.as_secs_f64()));
    std::iter::once(String::from("the slowest:\n")).chain(lines).collect()
}

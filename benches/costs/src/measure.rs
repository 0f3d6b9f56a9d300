//! How long an operation takes, and what it allocates.

use std::alloc::System;
use std::time::{Duration, Instant};

use anyhow::Result;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts what the kernel allocates.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How long one round takes, about.
const ROUND: Duration = Duration::from_millis(20);
const ROUNDS: usize = 7;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Nanoseconds for one operation in the fastest round, and in the middle one.
    pub(crate) fastest: f64,
    pub(crate) median: f64,
    /// Allocations (and growths) by one operation.
    pub(crate) allocations: f64,
    /// Bytes allocated by one operation.
    pub(crate) bytes: f64,
}

impl Cost {
    /// As an object: nanoseconds, allocations and bytes by name.
    pub(crate) fn to_json(self) -> serde_json::Value {
        serde_json::json!({
            "fastest_ns": self.fastest,
            "median_ns": self.median,
            "allocations": self.allocations,
            "bytes": self.bytes,
        })
    }
}

/// Runs an operation for some rounds.
///
/// # Errors
/// Those of the operation.
pub(crate) fn measure(mut operation: impl FnMut() -> Result<()>) -> Result<Cost> {
    let mut count: u32 = 16;
    // Caches and tables grow now, and the number of repetitions with them.
    loop {
        let time = repeat(count, &mut operation)?;
        if time >= ROUND || count >= 1 << 24 {
            break;
        }
        count *= 2;
    }
    let region = Region::new(ALLOCATOR);
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        times.push(repeat(count, &mut operation)?.as_secs_f64() * 1e9 / f64::from(count));
    }
    let change = region.change();
    times.sort_by(f64::total_cmp);
    let all = f64::from(count) * ROUNDS as f64;
    Ok(Cost {
        fastest: times.first().copied().unwrap_or_default(),
        median: times.get(ROUNDS / 2).copied().unwrap_or_default(),
        allocations: (change.allocations + change.reallocations) as f64 / all,
        bytes: change.bytes_allocated as f64 / all,
    })
}

/// Allocations of one operation, once caches and tables have grown.
///
/// # Errors
/// Those of the operation.
#[cfg(test)]
pub(crate) fn count(mut operation: impl FnMut() -> Result<()>, times: u32) -> Result<f64> {
    repeat(times, &mut operation)?;
    let region = Region::new(ALLOCATOR);
    repeat(times, &mut operation)?;
    let change = region.change();
    Ok((change.allocations + change.reallocations) as f64 / f64::from(times))
}

fn repeat(count: u32, operation: &mut impl FnMut() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    for _ in 0..count {
        operation()?;
    }
    Ok(start.elapsed())
}

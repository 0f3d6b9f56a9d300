//! What system calls cost inside the kernel: `costs [FILTER]... [--json]`.
//!
//! The kernel is the real one, with its table of calls, a root from a gofer and a tmpfs. Only the hand-off between guest and
//! sentry is missing: a guest here is an object whose memory is a vector. So the figures are what the sentry adds to the
//! hand-off, in nanoseconds, and how much it allocates on the way. Several processors or a busy machine do not matter here.
#![forbid(unsafe_code)]

mod cases;
mod elf;
mod guest;
mod measure;
mod world;

use anyhow::{Context, Result};

use measure::Cost;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (options, filters): (Vec<_>, Vec<_>) = arguments.iter().partition(|a| a.starts_with("--"));
    let json = options.iter().any(|option| *option == "--json");
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(f.as_str()));
    let mut results = Vec::new();
    if !json {
        println!("{:20}{:>10}{:>10}{:>10}{:>10}", "", "ns", "median", "allocs", "bytes");
    }
    for case in cases::CASES.iter().filter(|case| wanted(case.name)) {
        let cost = run(case).with_context(|| String::from(case.name))?;
        if json {
            results.push((case.name, cost));
        } else {
            let Cost { fastest, median, allocations, bytes } = cost;
            println!("{:20}{fastest:10.0}{median:10.0}{allocations:10.2}{bytes:10.0}", case.name);
        }
    }
    if json {
        let fields = |(name, cost): &(&str, Cost)| (String::from(*name), cost.to_json());
        println!("{:#}", serde_json::Value::Object(results.iter().map(fields).collect()));
    }
    Ok(())
}

fn run(case: &cases::Case) -> Result<Cost> {
    let world = world::World::new()?;
    let operation = (case.prepare)(&world)?;
    measure::measure(operation)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Allocations of one operation, at most: what hot calls were brought down to must not come back unseen.
    const MOST: &[(&str, f64)] = &[
        ("getppid", 0.0),
        ("fstat", 0.0),
        ("lseek", 0.0),
        // The path.
        ("stat", 1.0),
        ("stat_deep", 1.0),
        ("stat_enoent", 1.0),
        // The future of a call that may have to wait, for each call.
        ("pread4k", 1.0),
        ("tmp_pread64k", 1.0),
        ("tmp_pwrite64k", 1.0),
        ("pipe_write_read", 2.0),
    ];

    #[test]
    fn hot_calls_allocate_no_more_than_they_must() {
        for (name, most) in MOST {
            let case = cases::CASES.iter().find(|case| case.name == *name).expect(name);
            let world = world::World::new().unwrap();
            let cost = measure::count((case.prepare)(&world).unwrap(), 100).unwrap();
            assert!(cost <= *most, "{name}: {cost} allocations, {most} allowed");
        }
    }
}

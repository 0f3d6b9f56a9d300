//! What a container uses, as runc's `events` tells it.

use std::collections::BTreeMap;
use std::fs;

use sentry::control::Used;
use serde::Serialize;

use super::io::Io;
use super::{Cgroups, Group, Version};

/// The `data` of a message of the type `stats`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Stats {
    cpu: Cpu,
    memory: Memory,
    pub(crate) pids: Pids,
    blkio: Io,
    hugetlb: BTreeMap<String, u64>,
    intel_rdt: BTreeMap<String, u64>,
    network_interfaces: Option<Vec<u64>>,
}

#[derive(Debug, Default, Serialize)]
struct Cpu {
    usage: CpuUsage,
    throttling: Throttling,
}

/// In nanoseconds.
#[derive(Debug, Default, Serialize)]
struct CpuUsage {
    total: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    percpu: Vec<u64>,
    kernel: u64,
    user: u64,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Throttling {
    periods: u64,
    throttled_periods: u64,
    throttled_time: u64,
}

/// In bytes.
#[derive(Debug, Default, Serialize)]
struct Memory {
    cache: u64,
    usage: MemoryEntry,
    swap: MemoryEntry,
    kernel: MemoryEntry,
    #[serde(rename = "kernelTCP")]
    kernel_tcp: MemoryEntry,
    raw: BTreeMap<String, u64>,
}

#[derive(Debug, Default, Serialize)]
struct MemoryEntry {
    limit: u64,
    usage: u64,
    max: u64,
    failcnt: u64,
}

/// Processes and threads.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Pids {
    /// Of the container.
    pub(crate) current: u64,
    /// 0 for none.
    pub(crate) limit: u64,
}

impl Stats {
    /// Those of a container that has no groups to itself.
    pub(crate) fn of_processes(used: &Used) -> Self {
        let usage = used.anonymous.saturating_add(used.shared);
        // By the names of both versions.
        let raw = [
            ("anon", used.anonymous),
            ("rss", used.anonymous),
            ("file", used.shared),
            ("cache", used.shared),
        ];
        Self {
            cpu: Cpu {
                usage: CpuUsage {
                    total: used.user.saturating_add(used.system),
                    percpu: Vec::new(),
                    kernel: used.system,
                    user: used.user,
                },
                throttling: Throttling::default(),
            },
            memory: Memory {
                cache: used.shared,
                usage: MemoryEntry { limit: u64::MAX, usage, max: usage, failcnt: 0 },
                raw: raw.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
                ..Memory::default()
            },
            ..Self::default()
        }
    }
}

/// Reads them.
pub(crate) fn stats(cgroups: &Cgroups) -> Stats {
    let reader = |controller: &str| Reader(cgroups.of(controller));
    let (cpu, cpuacct, memory) = (reader("cpu"), reader("cpuacct"), reader("memory"));
    let two = cgroups.groups().any(|group| group.version == Version::Two);
    let stats = if two { version_2(&cpu, &memory) } else { version_1(&cpu, &cpuacct, &memory) };
    let io = if two {
        Io::of_version_2(&reader("io").text("io.stat"))
    } else {
        let of = |what: &str| reader("blkio").text(&format!("blkio.throttle.{what}_recursive"));
        Io::of_version_1(&of("io_service_bytes"), &of("io_serviced"))
    };
    Stats { blkio: io, ..stats }
}

fn version_1(cpu: &Reader<'_>, cpuacct: &Reader<'_>, memory: &Reader<'_>) -> Stats {
    let (throttled, used) = (cpu.table("cpu.stat"), cpuacct.table("cpuacct.stat"));
    let entry = |prefix: &str| MemoryEntry {
        limit: memory.number(&format!("{prefix}.limit_in_bytes")),
        usage: memory.number(&format!("{prefix}.usage_in_bytes")),
        max: memory.number(&format!("{prefix}.max_usage_in_bytes")),
        failcnt: memory.number(&format!("{prefix}.failcnt")),
    };
    let raw = memory.table("memory.stat");
    // In ticks of a hundredth of a second.
    let ticks = |key: &str| used.get(key).copied().unwrap_or(0) * 10_000_000;
    Stats {
        cpu: Cpu {
            usage: CpuUsage {
                total: cpuacct.number("cpuacct.usage"),
                percpu: cpuacct
                    .text("cpuacct.usage_percpu")
                    .split_whitespace()
                    .filter_map(|word| word.parse().ok())
                    .collect(),
                kernel: ticks("system"),
                user: ticks("user"),
            },
            throttling: Throttling {
                periods: throttled.get("nr_periods").copied().unwrap_or(0),
                throttled_periods: throttled.get("nr_throttled").copied().unwrap_or(0),
                throttled_time: throttled.get("throttled_time").copied().unwrap_or(0),
            },
        },
        memory: Memory {
            usage: entry("memory"),
            swap: entry("memory.memsw"),
            kernel: entry("memory.kmem"),
            kernel_tcp: entry("memory.kmem.tcp"),
            cache: raw.get("cache").copied().unwrap_or(0),
            raw,
        },
        ..Stats::default()
    }
}

fn version_2(cpu: &Reader<'_>, memory: &Reader<'_>) -> Stats {
    let (used, raw) = (cpu.table("cpu.stat"), memory.table("memory.stat"));
    let microseconds = |key: &str| used.get(key).copied().unwrap_or(0) * 1000;
    let count = |key: &str| used.get(key).copied().unwrap_or(0);
    let entry = |prefix: &str| MemoryEntry {
        limit: memory.number(&format!("{prefix}.max")),
        usage: memory.number(&format!("{prefix}.current")),
        max: memory.number(&format!("{prefix}.peak")),
        failcnt: memory.table(&format!("{prefix}.events")).get("max").copied().unwrap_or(0),
    };
    Stats {
        cpu: Cpu {
            usage: CpuUsage {
                total: microseconds("usage_usec"),
                percpu: Vec::new(),
                kernel: microseconds("system_usec"),
                user: microseconds("user_usec"),
            },
            throttling: Throttling {
                periods: count("nr_periods"),
                throttled_periods: count("nr_throttled"),
                throttled_time: microseconds("throttled_usec"),
            },
        },
        memory: Memory {
            usage: entry("memory"),
            swap: entry("memory.swap"),
            kernel: MemoryEntry::default(),
            kernel_tcp: MemoryEntry::default(),
            cache: raw.get("file").copied().unwrap_or(0),
            raw,
        },
        ..Stats::default()
    }
}

/// Reads files of a group; one that is missing reads as nothing.
struct Reader<'a>(Option<&'a Group>);

impl Reader<'_> {
    fn text(&self, file: &str) -> String {
        self.0.and_then(|group| fs::read_to_string(group.path.join(file)).ok()).unwrap_or_default()
    }

    /// A number; `max` is the largest.
    fn number(&self, file: &str) -> u64 {
        match self.text(file).trim() {
            "max" => u64::MAX,
            text => text.parse().unwrap_or(0),
        }
    }

    /// Lines of "KEY VALUE".
    fn table(&self, file: &str) -> BTreeMap<String, u64> {
        let text = self.text(file);
        let row = |line: &str| {
            let (key, value) = line.split_once(' ')?;
            Some((key.to_owned(), value.trim().parse().ok()?))
        };
        text.lines().filter_map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_version_1_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        write("cpuacct.usage", "1234\n");
        write("cpuacct.usage_percpu", "1000 234 \n");
        write("cpuacct.stat", "user 5\nsystem 7\n");
        write("memory.usage_in_bytes", "4096\n");
        write("memory.limit_in_bytes", "8192\n");
        write("memory.stat", "cache 1\nrss 2\n");
        let group = Group {
            version: Version::One,
            controllers: ["cpu", "cpuacct", "memory"].map(str::to_owned).to_vec(),
            mount: directory.path().to_owned(),
            path: directory.path().to_owned(),
        };
        let stats = serde_json::to_value(stats(&Cgroups { groups: vec![group], unit: None })).unwrap();
        assert_eq!(stats["cpu"]["usage"]["total"], 1234);
        assert_eq!(stats["cpu"]["usage"]["percpu"][1], 234);
        assert_eq!(stats["cpu"]["usage"]["user"], 50_000_000);
        assert_eq!(stats["memory"]["usage"]["limit"], 8192);
        assert_eq!((&stats["memory"]["raw"]["rss"], &stats["memory"]["cache"]), (&2.into(), &1.into()));
    }
}

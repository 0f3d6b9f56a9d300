//! From what `casemate events --stats` says to the metrics that containerd's users read.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::failure::{Failure, Trying};
use crate::messages::{
    Any, Cpu1, Cpu2, CpuUsage1, Memory1, Memory2, MemoryEntry, Metrics1, Metrics2, Pids, Throttle1,
};

#[derive(Debug, Deserialize)]
struct Said {
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    cpu: Cpu,
    memory: Memory,
    pids: Counted,
}

#[derive(Debug, Deserialize)]
struct Cpu {
    usage: Usage,
    throttling: Throttling,
}

/// In nanoseconds.
#[derive(Debug, Deserialize)]
struct Usage {
    total: u64,
    #[serde(default)]
    percpu: Vec<u64>,
    kernel: u64,
    user: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Throttling {
    periods: u64,
    throttled_periods: u64,
    throttled_time: u64,
}

#[derive(Debug, Deserialize)]
struct Memory {
    usage: Entry,
    swap: Entry,
    kernel: Entry,
    /// As in `memory.stat`.
    raw: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Entry {
    limit: u64,
    usage: u64,
    max: u64,
    failcnt: u64,
}

#[derive(Debug, Deserialize)]
struct Counted {
    current: u64,
    limit: u64,
}

/// Nanoseconds in a microsecond.
const MICROSECOND: u64 = 1000;

/// The metrics in the form of the version of control groups that the host has.
pub(crate) fn metrics(said: &[u8]) -> Result<Any, Failure> {
    let two = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    let Said { data } = serde_json::from_slice(said).trying("understand what casemate says")?;
    if two {
        version_2(data).map(|metrics| Any::of(&metrics))
    } else {
        version_1(data).map(|metrics| Any::of(&metrics))
    }
}

fn version_1(data: Data) -> Result<Metrics1, Failure> {
    let Data { cpu: Cpu { usage, throttling }, memory, pids } = data;
    let raw: Memory1 =
        serde_json::from_value(Value::Object(memory.raw)).trying("understand what casemate says")?;
    let usage =
        CpuUsage1 { total: usage.total, kernel: usage.kernel, user: usage.user, per_cpu: usage.percpu };
    let throttling = Throttle1 {
        periods: throttling.periods,
        throttled_periods: throttling.throttled_periods,
        throttled_time: throttling.throttled_time,
    };
    let entry = |entry: Entry| {
        let Entry { limit, usage, max, failcnt } = entry;
        Some(MemoryEntry { limit, usage, max, failcnt })
    };
    Ok(Metrics1 {
        pids: Some(Pids { current: pids.current, limit: pids.limit }),
        cpu: Some(Cpu1 { usage: Some(usage), throttling: Some(throttling) }),
        memory: Some(Memory1 {
            usage: entry(memory.usage),
            swap: entry(memory.swap),
            kernel: entry(memory.kernel),
            ..raw
        }),
    })
}

fn version_2(data: Data) -> Result<Metrics2, Failure> {
    let Data { cpu: Cpu { usage, throttling }, memory, pids } = data;
    let raw: Memory2 =
        serde_json::from_value(Value::Object(memory.raw)).trying("understand what casemate says")?;
    Ok(Metrics2 {
        pids: Some(Pids { current: pids.current, limit: pids.limit }),
        cpu: Some(Cpu2 {
            usage: usage.total / MICROSECOND,
            user: usage.user / MICROSECOND,
            system: usage.kernel / MICROSECOND,
            periods: throttling.periods,
            throttled_periods: throttling.throttled_periods,
            throttled_time: throttling.throttled_time / MICROSECOND,
        }),
        memory: Some(Memory2 {
            usage: memory.usage.usage,
            usage_limit: memory.usage.limit,
            swap_usage: memory.swap.usage,
            swap_limit: memory.swap.limit,
            max_usage: memory.usage.max,
            ..raw
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = r#"{"type": "stats", "id": "x", "data": {
        "cpu": {"usage": {"total": 5000, "percpu": [2000, 3000], "kernel": 1000, "user": 4000},
                "throttling": {"periods": 1, "throttledPeriods": 2, "throttledTime": 3000}},
        "memory": {"usage": {"limit": 10, "usage": 11, "max": 12, "failcnt": 13},
                   "swap": {"limit": 20, "usage": 21, "max": 22, "failcnt": 23},
                   "kernel": {"limit": 0, "usage": 0, "max": 0, "failcnt": 0},
                   "raw": {"cache": 30, "total_cache": 31, "anon": 32, "swap": 33, "kernel": 34}},
        "pids": {"current": 7, "limit": 8}, "blkio": {}, "hugetlb": {}}}"#;

    fn data() -> Data {
        serde_json::from_str::<Said>(SAID).unwrap().data
    }

    #[test]
    fn version_1_counts_nanoseconds() {
        let metrics = version_1(data()).unwrap();
        assert_eq!(metrics.pids, Some(Pids { current: 7, limit: 8 }));
        let cpu = metrics.cpu.unwrap();
        assert_eq!(cpu.usage.unwrap().per_cpu, [2000, 3000]);
        assert_eq!(cpu.throttling.unwrap().throttled_time, 3000);
        let memory = metrics.memory.unwrap();
        assert_eq!((memory.cache, memory.total_cache), (30, 31));
        assert_eq!(memory.usage, Some(MemoryEntry { limit: 10, usage: 11, max: 12, failcnt: 13 }));
        assert_eq!(memory.swap.unwrap().usage, 21);
    }

    #[test]
    fn version_2_counts_microseconds() {
        let metrics = version_2(data()).unwrap();
        let cpu = metrics.cpu.unwrap();
        assert_eq!((cpu.usage, cpu.user, cpu.system, cpu.throttled_time), (5, 4, 1, 3));
        let memory = metrics.memory.unwrap();
        assert_eq!((memory.anon, memory.usage, memory.usage_limit, memory.swap_limit), (32, 11, 10, 20));
    }

    #[test]
    fn anything_else_is_an_error() {
        assert!(metrics(b"{}").is_err() && metrics(b"").is_err());
    }
}

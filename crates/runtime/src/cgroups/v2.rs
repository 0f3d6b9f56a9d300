//! Limits as files of version 2: the kernel's Documentation/admin-guide/cgroup-v2.

use std::fs;
use std::path::Path;

use oci_spec::runtime::{LinuxCpu, LinuxMemory, LinuxResources, LinuxThrottleDevice};

use super::Setting;

/// What is written, in this order; or which field cannot be.
pub(super) fn settings(resources: &LinuxResources) -> Result<Vec<Setting>, String> {
    let mut all = Vec::new();
    if let Some(memory) = resources.memory() {
        of_memory(memory, &mut all)?;
    }
    if let Some(cpu) = resources.cpu() {
        of_cpu(cpu, &mut all);
    }
    if let Some(pids) = resources.pids().as_ref().filter(|pids| pids.limit() != 0) {
        all.push(Setting::new("pids", "pids.max", super::files::pids(pids.limit())));
    }
    if let Some(io) = resources.block_io() {
        if let Some(weight) = io.weight().filter(|weight| *weight != 0) {
            // From 10..1000 to 1..10000.
            all.push(Setting::new("io", "io.weight", 1 + (u64::from(weight).max(10) - 10) * 9999 / 990));
        }
        let mut throttle = |word: &str, devices: &Option<Vec<LinuxThrottleDevice>>| {
            for device in devices.iter().flatten() {
                let value = format!("{}:{} {word}={}", device.major(), device.minor(), device.rate());
                all.push(Setting::new("io", "io.max", value));
            }
        };
        throttle("rbps", io.throttle_read_bps_device());
        throttle("wbps", io.throttle_write_bps_device());
        throttle("riops", io.throttle_read_iops_device());
        throttle("wiops", io.throttle_write_iops_device());
    }
    for page in resources.hugepage_limits().iter().flatten() {
        all.push(Setting::new("hugetlb", format!("hugetlb.{}.max", page.page_size()), page.limit()));
    }
    let mut unified: Vec<_> = resources.unified().iter().flatten().collect();
    unified.sort();
    for (file, value) in unified {
        if file.contains('/') {
            return Err(format!("linux.resources.unified: {file:?} is not the name of a file"));
        }
        all.push(Setting::new("unified", file, value));
    }
    Ok(all)
}

fn of_memory(memory: &LinuxMemory, all: &mut Vec<Setting>) -> Result<(), String> {
    let limit = memory.limit().filter(|limit| *limit != 0);
    if let Some(swap) = memory.swap().filter(|swap| *swap != 0) {
        // Version 1 counted memory and swap together.
        let only = match (limit, swap) {
            (_, -1) => -1,
            (Some(limit), swap) if swap >= limit && limit >= 0 => swap - limit,
            _ => return Err(format!("linux.resources.memory.swap: {swap} is below the limit of memory")),
        };
        all.push(Setting::new("memory", "memory.swap.max", bytes(only)));
    }
    all.extend(limit.map(|limit| Setting::new("memory", "memory.max", bytes(limit))));
    let reservation = memory.reservation().filter(|reservation| *reservation != 0);
    all.extend(reservation.map(|reservation| Setting::new("memory", "memory.low", bytes(reservation))));
    Ok(())
}

fn bytes(value: i64) -> String {
    if value < 0 { "max".to_owned() } else { value.to_string() }
}

fn of_cpu(cpu: &LinuxCpu, all: &mut Vec<Setting>) {
    if let Some(shares) = cpu.shares().filter(|shares| *shares != 0) {
        // From 2..262144 to 1..10000.
        let weight = 1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142;
        all.push(Setting::new("cpu", "cpu.weight", weight));
    }
    let (quota, period) =
        (cpu.quota().filter(|quota| *quota != 0), cpu.period().filter(|period| *period != 0));
    if quota.is_some() || period.is_some() {
        let quota =
            quota.filter(|quota| *quota > 0).map_or_else(|| "max".to_owned(), |quota| quota.to_string());
        all.push(Setting::new("cpu", "cpu.max", format!("{quota} {}", period.unwrap_or(100_000))));
    }
    all.extend(cpu.burst().map(|burst| Setting::new("cpu", "cpu.max.burst", burst)));
    all.extend(cpu.idle().map(|idle| Setting::new("cpu", "cpu.idle", idle)));
    let some = |set: &Option<String>| set.clone().filter(|set| !set.is_empty());
    all.extend(some(cpu.cpus()).map(|cpus| Setting::new("cpuset", "cpuset.cpus", cpus)));
    all.extend(some(cpu.mems()).map(|mems| Setting::new("cpuset", "cpuset.mems", mems)));
}

/// Has the groups below this one have all controllers that it has itself. What it may not pass on stays out.
pub(super) fn enable_controllers(group: &Path) {
    let known = fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default();
    for controller in known.split_whitespace() {
        if let Err(error) = fs::write(group.join("cgroup.subtree_control"), format!("+{controller}")) {
            tracing::debug!("{} does not pass on {controller}: {error}", group.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str) -> Result<Vec<String>, String> {
        let all = settings(&serde_json::from_str(json).unwrap())?;
        Ok(all.into_iter().map(|setting| format!("{}={}", setting.file, setting.value)).collect())
    }

    #[test]
    fn limits_become_files() {
        let found = found(
            r#"{"memory": {"limit": 100, "swap": 250, "reservation": 50}, "pids": {"limit": -1},
                "cpu": {"shares": 1024, "quota": 50000, "cpus": "0"}, "blockIO": {"weight": 1000},
                "unified": {"memory.high": "90"}}"#,
        );
        let expected = [
            "memory.swap.max=150",
            "memory.max=100",
            "memory.low=50",
            "cpu.weight=39",
            "cpu.max=50000 100000",
            "cpuset.cpus=0",
            "pids.max=max",
            "io.weight=10000",
            "memory.high=90",
        ];
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn nonsense_is_refused_by_field() {
        assert!(found(r#"{"memory": {"limit": 100, "swap": 50}}"#).unwrap_err().contains("memory.swap"));
        assert!(found(r#"{"unified": {"../x": "1"}}"#).unwrap_err().contains("unified"));
    }
}

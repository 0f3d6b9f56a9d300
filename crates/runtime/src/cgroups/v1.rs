//! Limits as files of version 1: the kernel's Documentation/admin-guide/cgroup-v1.

use std::fs;
use std::path::Path;

use oci_spec::runtime::{LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxResources, LinuxThrottleDevice};

use super::Setting;

/// What is written, in this order.
pub(super) fn settings(resources: &LinuxResources) -> Vec<Setting> {
    let mut all = Vec::new();
    resources.memory().as_ref().inspect(|memory| of_memory(memory, &mut all));
    resources.cpu().as_ref().inspect(|cpu| of_cpu(cpu, &mut all));
    if let Some(pids) = resources.pids().as_ref().filter(|pids| pids.limit() != 0) {
        all.push(Setting::new("pids", "pids.max", super::files::pids(pids.limit())));
    }
    resources.block_io().as_ref().inspect(|io| of_block_io(io, &mut all));
    for page in resources.hugepage_limits().iter().flatten() {
        let file = format!("hugetlb.{}.limit_in_bytes", page.page_size());
        all.push(Setting::new("hugetlb", file, page.limit()));
    }
    all
}

/// Says what version 2 alone can do.
pub(super) fn check(resources: &LinuxResources) -> Result<(), String> {
    if resources.unified().as_ref().is_some_and(|unified| !unified.is_empty()) {
        return Err("linux.resources.unified: the host has version 1 of control groups".to_owned());
    }
    Ok(())
}

fn of_memory(memory: &LinuxMemory, all: &mut Vec<Setting>) {
    // -1 is no limit; 0 is what engines write for nothing.
    let limit = |value: Option<i64>| value.filter(|value| *value != 0);
    let mut put = |file: &str, value: Option<i64>| {
        all.extend(value.map(|value| Setting::new("memory", file, value)));
    };
    put("memory.limit_in_bytes", limit(memory.limit()));
    // Must not be below the limit of memory alone, which therefore comes first.
    put("memory.memsw.limit_in_bytes", limit(memory.swap()));
    put("memory.soft_limit_in_bytes", limit(memory.reservation()));
    put("memory.kmem.tcp.limit_in_bytes", limit(memory.kernel_tcp()));
    put("memory.swappiness", memory.swappiness().and_then(|value| i64::try_from(value).ok()));
    put("memory.oom_control", memory.disable_oom_killer().filter(|off| *off).map(|_| 1));
}

fn of_cpu(cpu: &LinuxCpu, all: &mut Vec<Setting>) {
    let mut put = |controller, file: &str, value: Option<String>| {
        all.extend(value.map(|value| Setting::new(controller, file, value)));
    };
    let text = |value: Option<u64>| value.filter(|value| *value != 0).map(|value| value.to_string());
    put("cpu", "cpu.shares", text(cpu.shares()));
    put("cpu", "cpu.cfs_period_us", text(cpu.period()));
    put("cpu", "cpu.cfs_quota_us", cpu.quota().filter(|quota| *quota != 0).map(|quota| quota.to_string()));
    put("cpu", "cpu.cfs_burst_us", text(cpu.burst()));
    put("cpu", "cpu.rt_period_us", text(cpu.realtime_period()));
    put(
        "cpu",
        "cpu.rt_runtime_us",
        cpu.realtime_runtime().filter(|time| *time != 0).map(|time| time.to_string()),
    );
    put("cpu", "cpu.idle", cpu.idle().map(|idle| idle.to_string()));
    put("cpuset", "cpuset.cpus", cpu.cpus().clone().filter(|cpus| !cpus.is_empty()));
    put("cpuset", "cpuset.mems", cpu.mems().clone().filter(|mems| !mems.is_empty()));
}

fn of_block_io(io: &LinuxBlockIo, all: &mut Vec<Setting>) {
    if let Some(weight) = io.weight().filter(|weight| *weight != 0) {
        all.push(Setting::new("blkio", "blkio.weight", weight).or("blkio.bfq.weight"));
    }
    for device in io.weight_device().iter().flatten() {
        if let Some(weight) = device.weight() {
            let value = format!("{}:{} {weight}", device.major(), device.minor());
            let setting = Setting::new("blkio", "blkio.weight_device", value);
            all.push(setting.or("blkio.bfq.weight_device"));
        }
    }
    let mut throttle = |file: &str, devices: &Option<Vec<LinuxThrottleDevice>>| {
        for device in devices.iter().flatten() {
            let value = format!("{}:{} {}", device.major(), device.minor(), device.rate());
            all.push(Setting::new("blkio", file, value));
        }
    };
    throttle("blkio.throttle.read_bps_device", io.throttle_read_bps_device());
    throttle("blkio.throttle.write_bps_device", io.throttle_write_bps_device());
    throttle("blkio.throttle.read_iops_device", io.throttle_read_iops_device());
    throttle("blkio.throttle.write_iops_device", io.throttle_write_iops_device());
}

/// A new group of this controller has no processors and no memory nodes, and lets nobody in.
pub(super) fn inherit_cpuset(above: &Path, group: &Path) -> std::io::Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let own = group.join(file);
        if fs::read_to_string(&own).is_ok_and(|text| text.trim().is_empty()) {
            fs::write(&own, fs::read_to_string(above.join(file))?.trim())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_become_files() {
        let resources: LinuxResources = serde_json::from_str(
            r#"{"memory": {"limit": 100, "swap": 200, "reservation": 0, "swappiness": 0},
                "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0-1", "mems": ""},
                "pids": {"limit": 7}, "blockIO": {"weight": 10, "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}]},
                "hugepageLimits": [{"pageSize": "2MB", "limit": 9}]}"#,
        )
        .unwrap();
        let found: Vec<String> = settings(&resources)
            .into_iter()
            .map(|setting| format!("{}={}", setting.file, setting.value))
            .collect();
        assert_eq!(
            found,
            [
                "memory.limit_in_bytes=100",
                "memory.memsw.limit_in_bytes=200",
                "memory.swappiness=0",
                "cpu.shares=512",
                "cpu.cfs_period_us=100000",
                "cpu.cfs_quota_us=50000",
                "cpuset.cpus=0-1",
                "pids.max=519",
                "blkio.weight=10",
                "blkio.throttle.read_bps_device=8:0 600",
                "hugetlb.2MB.limit_in_bytes=9",
            ]
        );
    }
}

//! `casemate update`.

use std::fs;
use std::io::Read;
use std::path::Path;

use oci_spec::runtime::{Linux, LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxPids, LinuxResources};
use sentry::control::{Event, Request};

use crate::cgroups;
use crate::command_line::{Global, Update};
use crate::config::linux;
use crate::error::{Error, Trying};
use crate::state::{self, Root, Status};

/// Changes the limits of a container.
pub(crate) fn execute(global: &Global, arguments: &Update) -> Result<(), Error> {
    let mut container = Root::of(global).open(&arguments.id)?;
    if container.status()? == Status::Stopped {
        return Err(Error::NotRunning);
    }
    let changes = match &arguments.resources {
        Some(path) => read(path)?,
        None => from_command_line(arguments)?,
    };
    if changes == LinuxResources::default() {
        return Ok(());
    }
    if container.record.pod.is_some() {
        check_in_pod(&arguments.id, &changes)?;
    } else if container.record.cgroups.is_empty() {
        return Err(Error::Message(cgroups::none(&arguments.id)));
    } else {
        container.record.cgroups.limit(&changes)?;
    }
    let mut section = container.spec().linux().clone().unwrap_or_else(Linux::default);
    section.set_resources(Some(merged(container.record.resources(), changes)));
    match container.ask(&Request::Limit(linux::limits(Some(&section))))? {
        Event::Done => {}
        other => return Err(state::unexpected(&other)),
    }
    container.record.spec.set_linux(Some(section));
    container.update()
}

/// Of one container in another's sandbox only the number of threads can be bounded: the sandbox's kernel counts them. Memory and processors of
/// all its containers are the sandbox's.
fn check_in_pod(id: &str, changes: &LinuxResources) -> Result<(), Error> {
    let mut others = changes.clone();
    others.set_pids(None);
    if others == LinuxResources::default() {
        return Ok(());
    }
    Err(Error::Message(format!(
        "update: container {id:?} shares its sandbox: of its limits only that of processes can be changed, the others are the sandbox's"
    )))
}

fn read(path: &Path) -> Result<LinuxResources, Error> {
    let mut text = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut text).trying("read standard input")?;
    } else {
        text = fs::read(path).trying_on("open", path)?;
    }
    let deserializer = &mut serde_json::Deserializer::from_slice(&text);
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| Error::Config { path: path.to_owned(), problem: error.to_string() })
}

fn from_command_line(arguments: &Update) -> Result<LinuxResources, Error> {
    let mut resources = LinuxResources::default();
    if arguments.memory.is_some() || arguments.memory_reservation.is_some() || arguments.memory_swap.is_some()
    {
        let mut memory = LinuxMemory::default();
        memory.set_limit(arguments.memory);
        memory.set_reservation(arguments.memory_reservation);
        memory.set_swap(arguments.memory_swap);
        resources.set_memory(Some(memory));
    }
    if arguments.l3_cache_schema.is_some() || arguments.mem_bw_schema.is_some() {
        let message =
            "update: --l3-cache-schema and --mem-bw-schema are not supported: caches are not divided";
        return Err(Error::Message(message.to_owned()));
    }
    let mut cpu = LinuxCpu::default();
    cpu.set_burst(arguments.cpu_burst);
    cpu.set_idle(arguments.cpu_idle);
    cpu.set_realtime_runtime(arguments.cpu_rt_runtime);
    cpu.set_realtime_period(arguments.cpu_rt_period);
    cpu.set_shares(arguments.cpu_share);
    cpu.set_quota(arguments.cpu_quota);
    cpu.set_period(arguments.cpu_period);
    cpu.set_cpus(arguments.cpuset_cpus.clone());
    cpu.set_mems(arguments.cpuset_mems.clone());
    if cpu != LinuxCpu::default() {
        resources.set_cpu(Some(cpu));
    }
    if let Some(limit) = arguments.pids_limit {
        let mut pids = LinuxPids::default();
        pids.set_limit(limit);
        resources.set_pids(Some(pids));
    }
    if let Some(weight) = arguments.blkio_weight {
        let mut io = LinuxBlockIo::default();
        io.set_weight(Some(weight));
        resources.set_block_io(Some(io));
    }
    Ok(resources)
}

/// What holds after a change: what it names, and the rest as it was. As in runc a 0 and an empty list are no change.
fn merged(before: Option<&LinuxResources>, changes: LinuxResources) -> LinuxResources {
    let Some(before) = before else { return changes };
    let mut after = before.clone();
    if let Some(new) = changes.memory() {
        let mut memory = before.memory().unwrap_or_default();
        memory.set_limit(number(new.limit(), memory.limit()));
        memory.set_reservation(number(new.reservation(), memory.reservation()));
        memory.set_swap(number(new.swap(), memory.swap()));
        after.set_memory(Some(memory));
    }
    if let Some(new) = changes.cpu() {
        let mut cpu = before.cpu().clone().unwrap_or_default();
        cpu.set_shares(number(new.shares(), cpu.shares()));
        cpu.set_quota(number(new.quota(), cpu.quota()));
        cpu.set_period(number(new.period(), cpu.period()));
        cpu.set_burst(number(new.burst(), cpu.burst()));
        cpu.set_realtime_runtime(number(new.realtime_runtime(), cpu.realtime_runtime()));
        cpu.set_realtime_period(number(new.realtime_period(), cpu.realtime_period()));
        cpu.set_idle(new.idle().or(cpu.idle()));
        cpu.set_cpus(list(new.cpus(), cpu.cpus()));
        cpu.set_mems(list(new.mems(), cpu.mems()));
        after.set_cpu(Some(cpu));
    }
    if let Some(pids) = changes.pids().filter(|pids| pids.limit() != 0) {
        after.set_pids(Some(pids));
    }
    if changes.block_io().is_some() {
        after.set_block_io(changes.block_io().clone());
    }
    after
}

fn number<N: Default + PartialEq>(new: Option<N>, old: Option<N>) -> Option<N> {
    new.filter(|new| *new != N::default()).or(old)
}

fn list(new: &Option<String>, old: &Option<String>) -> Option<String> {
    new.clone().filter(|new| !new.is_empty()).or_else(|| old.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_the_rest() {
        let of = |json| serde_json::from_str::<LinuxResources>(json).unwrap();
        let before = of(r#"{"memory": {"limit": 1, "swap": 2}, "pids": {"limit": 3}}"#);
        let after = merged(Some(&before), of(r#"{"memory": {"limit": 9}}"#));
        assert_eq!(after, of(r#"{"memory": {"limit": 9, "swap": 2}, "pids": {"limit": 3}}"#));
    }

    #[test]
    fn what_is_nothing_changes_nothing() {
        let of = |json| serde_json::from_str::<LinuxResources>(json).unwrap();
        let before = of(
            r#"{"memory": {"limit": 5}, "cpu": {"quota": 7, "cpus": "0-1", "idle": 1}, "pids": {"limit": 3}}"#,
        );
        let empty = of(
            r#"{"memory": {"limit": 0, "swap": 0}, "cpu": {"shares": 0, "quota": 0, "cpus": ""}, "pids": {"limit": 0}}"#,
        );
        assert_eq!(merged(Some(&before), empty), before);
        let shares = merged(Some(&before), of(r#"{"cpu": {"shares": 9, "idle": 0}}"#));
        assert_eq!(
            shares,
            of(
                r#"{"memory": {"limit": 5}, "cpu": {"shares": 9, "quota": 7, "cpus": "0-1", "idle": 0}, "pids": {"limit": 3}}"#
            )
        );
    }
}

//! Limits: the host's control groups hold them, the container sees them, and nothing of them stays.
#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::lifecycle::{create, done, output_of, reaches, within};
use super::support::{LIMIT, config, set};
use crate::enclosure;
use crate::place::Place;
use crate::sandbox::Sandbox;
use crate::skip::skip;

/// A name for the group of one test: others run beside it.
fn named(test: &str) -> String {
    format!("casemate-e2e-{}-of-{test}", enclosure::run())
}

/// The group of a controller, where the host has it mounted.
fn group(controller: &str, name: &str) -> Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let mount = mounts.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let right =
            fields.get(2) == Some(&"cgroup") && fields.get(3)?.split(',').any(|word| word == controller);
        right.then(|| fields.get(1).copied()).flatten()
    });
    match mount {
        Some(mount) => Ok(PathBuf::from(mount).join(name)),
        None => skip(&format!("the host has no version 1 control groups of {controller}")),
    }
}

pub(super) fn limits(place: &Place) -> Result<()> {
    let name = named("limits");
    let (memory, pids) = (group("memory", &name)?, group("pids", &name)?);
    let program = "grep MemTotal /proc/meminfo; while :; do sleep 1000 & done";
    let mut spec = config(place, &["dash", "-c", program]);
    spec["linux"]["cgroupsPath"] = json!(format!("/{name}"));
    spec["linux"]["resources"] =
        json!({"memory": {"limit": 512 << 20}, "pids": {"limit": 20}, "cpu": {"shares": 512}});
    let sandbox = Sandbox::with_config(place, "control-groups", &spec)?;
    create(&sandbox)?;
    let read = |path: PathBuf| fs::read_to_string(&path).with_context(|| path.display().to_string());
    ensure!(read(memory.join("memory.limit_in_bytes"))?.trim() == (512_u64 << 20).to_string());
    let inside: Vec<String> = read(pids.join("cgroup.procs"))?.lines().map(str::to_owned).collect();
    ensure!(inside.len() >= 3, "gofer, init and sentry are in the group: {inside:?}");
    let stats: Value = serde_json::from_str(&done(&sandbox, &["events", "--stats", "c"])?)?;
    ensure!(stats["data"]["memory"]["usage"]["limit"] == 512 << 20, "{stats}");
    ensure!(stats["data"]["memory"]["usage"]["usage"].as_u64() > Some(1 << 16), "{stats}");
    done(&sandbox, &["update", "--memory", "600000000", "c"])?;
    ensure!(read(memory.join("memory.limit_in_bytes"))?.trim() == "599998464", "pages");
    // From a file: what is 0 or empty stays as it is.
    let changes = sandbox.bundle.join("changes.json");
    fs::write(
        &changes,
        r#"{"memory": {"limit": 0}, "cpu": {"shares": 256, "cpus": ""}, "pids": {"limit": 30}}"#,
    )?;
    done(&sandbox, &["update", "-r", changes.to_str().context("path")?, "c"])?;
    ensure!(read(memory.join("memory.limit_in_bytes"))?.trim() == "599998464");
    ensure!(read(group("cpu", &name)?.join("cpu.shares"))?.trim() == "256");
    done(&sandbox, &["update", "--memory", "512m", "--pids-limit", "20", "c"])?;
    ensure!(read(memory.join("memory.limit_in_bytes"))?.trim() == (512_u64 << 20).to_string());
    done(&sandbox, &["update", "--memory", "600000000", "c"])?;
    done(&sandbox, &["start", "c"])?;
    reaches(&sandbox, "stopped")?;
    let said = output_of(&sandbox)?;
    let lines: Vec<&str> = said.lines().collect();
    ensure!(lines.first().is_some_and(|line| line.ends_with("585937 kB")), "{said}");
    // A shell that cannot fork gives up.
    ensure!(lines.last().is_some_and(|line| line.contains("Cannot fork")), "{said}");
    done(&sandbox, &["delete", "c"])?;
    ensure!(!memory.exists() && !pids.exists(), "the groups are still there");
    Ok(())
}

/// `events` tells at intervals what is used, when memory runs out, and ends with the container.
pub(super) fn events(place: &Place) -> Result<()> {
    let name = named("events");
    group("memory", &name)?;
    let eats = "while :; do [ -e /work/go ] && python3 -c 'x = b\"x\" * (1 << 30)'; sleep 0.1; done";
    let mut spec = config(place, &["sh", "-c", eats]);
    spec["linux"]["cgroupsPath"] = json!(format!("/{name}"));
    spec["linux"]["resources"] = json!({"memory": {"limit": 256 << 20, "swap": 256 << 20}});
    let sandbox = Sandbox::with_config(place, "events", &spec)?;
    create(&sandbox)?;
    done(&sandbox, &["start", "c"])?;
    let said = sandbox.bundle.join("events");
    let mut command = sandbox.casemate();
    command.args(["events", "--interval", "200ms", "c"]).stdout(fs::File::create(&said)?);
    let mut watching = command.spawn()?;
    let heard = |kind: &str| -> Result<usize> {
        let said = fs::read_to_string(&said)?;
        let messages: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(messages.iter().filter(|message| message["type"] == kind && message["id"] == "c").count())
    };
    within(LIMIT, || Ok(heard("stats")? >= 2)).context("no statistics")?;
    ensure!(heard("oom")? == 0);
    done(&sandbox, &["exec", "c", "touch", "/work/go"])?;
    within(LIMIT, || Ok(heard("oom")? >= 1)).context("memory does not run out")?;
    done(&sandbox, &["delete", "--force", "c"])?;
    ensure!(crate::run::wait(&mut watching, LIMIT)? == Some(0), "{}", fs::read_to_string(&said)?);
    Ok(())
}

/// A quota of processor time is seen as processors.
pub(super) fn processors(place: &Place) -> Result<()> {
    let name = named("processors");
    group("cpu", &name)?;
    let program = "nproc; grep -c ^processor /proc/cpuinfo; grep -c '^cpu[0-9]' /proc/stat; \
        python3 -c 'import os; print(os.cpu_count(), len(os.sched_getaffinity(0)))'";
    let mut spec = config(place, &["sh", "-c", program]);
    spec["linux"]["cgroupsPath"] = json!(format!("/{name}"));
    spec["linux"]["resources"] = json!({"cpu": {"quota": 80_000, "period": 100_000}});
    let sandbox = Sandbox::with_config(place, "processors", &spec)?;
    let outcome = sandbox.run(b"", super::support::LIMIT)?;
    ensure!(outcome.stdout == b"1\n1\n1\n1 1\n", "{}", outcome.shown());

    // Also where they are listed, and as the limit changes.
    set(&mut spec, "/process/args", json!(["sleep", "1000"]))?;
    let mounts = spec["mounts"].as_array_mut().context("no mounts")?;
    mounts.push(json!({"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]}));
    let sandbox = Sandbox::with_config(place, "processors", &spec)?;
    create(&sandbox)?;
    done(&sandbox, &["start", "c"])?;
    let listed = || done(&sandbox, &["exec", "c", "cat", "/sys/devices/system/cpu/online"]);
    ensure!(listed()? == "0\n");
    done(&sandbox, &["update", "--cpu-quota", "10000000", "c"])?;
    let last = std::thread::available_parallelism()?.get() - 1;
    ensure!(listed()? == if last == 0 { "0\n".to_owned() } else { format!("0-{last}\n") });
    done(&sandbox, &["delete", "--force", "c"])?;
    Ok(())
}

/// The container sees its limits in its own control group too, as they change; and that of processor time is felt.
pub(super) fn seen_and_felt(place: &Place) -> Result<()> {
    let name = named("seen");
    let cpu = group("cpu", &name)?;
    let mut spec = config(place, &["sh", "-c", "while :; do :; done"]);
    spec["linux"]["cgroupsPath"] = json!(format!("/{name}"));
    spec["linux"]["resources"] = json!({"memory": {"limit": 256 << 20}, "pids": {"limit": 50}});
    let mounts = spec["mounts"].as_array_mut().context("no mounts")?;
    mounts.push(json!({"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]}));
    mounts.push(
        json!({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]}),
    );
    let sandbox = Sandbox::with_config(place, "control-groups", &spec)?;
    create(&sandbox)?;
    done(&sandbox, &["start", "c"])?;
    let seen = || {
        done(
            &sandbox,
            &["exec", "c", "sh", "-c", "cd /sys/fs/cgroup; cat memory.max pids.max cpu.max; nproc"],
        )
    };
    let processors = std::thread::available_parallelism()?.get();
    ensure!(seen()? == format!("{}\n50\nmax 100000\n{processors}\n", 256 << 20), "{}", seen()?);
    let throttled = || -> Result<u64> {
        let text = fs::read_to_string(cpu.join("cpu.stat"))?;
        let count = text.lines().find_map(|line| line.strip_prefix("nr_throttled ")?.trim().parse().ok());
        count.with_context(|| text.clone())
    };
    ensure!(throttled()? == 0);
    done(&sandbox, &["update", "--memory", "300m", "--pids-limit", "60", "c"])?;
    ensure!(seen()? == format!("{}\n60\nmax 100000\n{processors}\n", 300 << 20), "{}", seen()?);
    done(&sandbox, &["update", "--cpu-period", "100000", "--cpu-quota", "20000", "c"])?;
    within(LIMIT, || Ok(throttled()? > 0)).context("it may run as it likes")?;
    ensure!(seen()? == format!("{}\n60\n20000 100000\n1\n", 300 << 20), "{}", seen()?);
    done(&sandbox, &["delete", "--force", "c"]).map(drop)
}

/// A failure leaves no group either.
pub(super) fn removed_after_a_failure(place: &Place) -> Result<()> {
    let name = named("failure");
    let memory = group("memory", &name)?;
    let mut spec = config(place, &["no-such-program"]);
    spec["linux"]["cgroupsPath"] = json!(format!("/{name}"));
    let sandbox = Sandbox::with_config(place, "control-groups", &spec)?;
    ensure!(create(&sandbox).is_err());
    ensure!(!memory.exists(), "the group is still there");
    Ok(())
}

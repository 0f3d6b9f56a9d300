//! The files of the first version. There is no `notify_on_release`: no program of a container is started by the kernel.

use std::time::Duration;

use abi::Errno;
use kernel::control_group::{Bandwidth, Controllers, What, Writer};

use super::{Row, Subject, core, memory, pids};
use crate::counters;
use crate::values::{integer, line};

pub(super) static ROWS: &[Row] = &[
    Row::setting("cgroup.procs", counters::processes, |subject, writer, text| {
        core::enter(subject, writer, text, What::Process)
    })
    .delegated()
    .first(),
    Row::setting("tasks", counters::threads, |subject, writer, text| {
        core::enter(subject, writer, text, What::Thread)
    })
    .delegated()
    .first(),
    Row::setting(
        "cpu.cfs_period_us",
        |subject| line(subject.look(|group| group.cpu.period.as_micros())?),
        |subject, _, text| {
            let period = Duration::from_micros(integer(text)?);
            let sound = (Duration::from_millis(1)..=Duration::from_secs(1)).contains(&period);
            if sound { subject.limit(|group| group.cpu.period = period) } else { Err(Errno::EINVAL) }
        },
    )
    .of(Controllers::CPU)
    .not_of_container()
    .first(),
    Row::setting("cpu.cfs_quota_us", quota, set_quota).of(Controllers::CPU).not_of_container().first(),
    Row::text("cpu.stat", |subject| {
        let Bandwidth { periods, stops, stopped, since, .. } = subject.look(|group| group.cpu)?;
        let stopped =
            stopped.saturating_add(since.map_or(Duration::ZERO, |since| since.elapsed())).as_nanos();
        line(format_args!("nr_periods {periods}\nnr_throttled {stops}\nthrottled_time {stopped}"))
    })
    .of(Controllers::CPU)
    .not_of_container()
    .first(),
    Row::text("cpuacct.stat", |subject| {
        let used = subject.kernel.used_by(subject.group);
        let ticks = |time: Duration| time.as_millis() / 10;
        line(format_args!("user {}\nsystem {}", ticks(used.user), ticks(used.system)))
    })
    .of(Controllers::CPUACCT)
    .first(),
    Row::text("cpuacct.usage", |subject| {
        let used = subject.kernel.used_by(subject.group);
        line(used.user.saturating_add(used.system).as_nanos())
    })
    .of(Controllers::CPUACCT)
    .first(),
    Row::text("freezer.parent_freezing", |subject| {
        line(u8::from(subject.look(|group| group.freezing.effective && !group.freezing.wanted)?))
    })
    .of(Controllers::FREEZER)
    .not_of_container()
    .first(),
    Row::text("freezer.self_freezing", |subject| {
        line(u8::from(subject.look(|group| group.freezing.wanted)?))
    })
    .of(Controllers::FREEZER)
    .not_of_container()
    .first(),
    Row::setting("freezer.state", state, set_state).of(Controllers::FREEZER).not_of_container().first(),
    Row::text("memory.failcnt", |subject| line(subject.look(|group| group.memory.events_here.max)?))
        .of(Controllers::MEMORY)
        .not_of_container()
        .first(),
    Row::setting(
        "memory.limit_in_bytes",
        |subject| {
            /// What Linux shows for no limit.
            const NONE: u64 = 9_223_372_036_854_771_712;
            line(subject.look(|group| group.memory.most)?.unwrap_or(NONE))
        },
        |subject, _, text| {
            let most = if text == b"-1" { None } else { Some(memory::bytes(text)?) };
            subject.limit(|group| group.memory.most = most)
        },
    )
    .of(Controllers::MEMORY)
    .not_of_container()
    .first(),
    Row::text("memory.oom_control", |subject| {
        let killed = subject.look(|group| group.memory.events_here.oom_kill)?;
        line(format_args!("oom_kill_disable 0\nunder_oom 0\noom_kill {killed}"))
    })
    .of(Controllers::MEMORY)
    .not_of_container()
    .first(),
    Row::text("memory.usage_in_bytes", |subject| line(memory::charged(subject).total()))
        .of(Controllers::MEMORY)
        .first(),
    Row::text("pids.current", |subject| line(subject.look(|group| group.tasks)?))
        .of(Controllers::PIDS)
        .not_of_container()
        .first(),
    Row::text("pids.events", |subject| line(format_args!("max {}", pids::pids(subject)?.met)))
        .of(Controllers::PIDS)
        .told()
        .not_of_container()
        .first(),
    Row::setting("pids.max", pids::most, pids::set_most).of(Controllers::PIDS).not_of_container().first(),
    Row::text("pids.peak", |subject| line(pids::pids(subject)?.peak))
        .of(Controllers::PIDS)
        .not_of_container()
        .first(),
];

fn quota(subject: &Subject) -> Result<Vec<u8>, Errno> {
    match subject.look(|group| group.cpu.quota)? {
        Some(quota) => line(quota.as_micros()),
        None => line(-1),
    }
}

fn set_quota(subject: &Subject, _: &Writer, text: &[u8]) -> Result<(), Errno> {
    let quota = match u64::try_from(integer::<i64>(text)?) {
        Err(_) => None,
        Ok(micros) if micros < 1000 => return Err(Errno::EINVAL),
        Ok(micros) => Some(Duration::from_micros(micros)),
    };
    subject.limit(|group| group.cpu.quota = quota)
}

fn state(subject: &Subject) -> Result<Vec<u8>, Errno> {
    let freezing = subject.look(|group| group.freezing)?;
    line(match (freezing.effective, freezing.complete) {
        (true, true) => "FROZEN",
        (true, false) => "FREEZING",
        (false, _) => "THAWED",
    })
}

fn set_state(subject: &Subject, _: &Writer, text: &[u8]) -> Result<(), Errno> {
    match text {
        b"FROZEN" => subject.kernel.freeze_group(subject.group, true),
        b"THAWED" => subject.kernel.freeze_group(subject.group, false),
        _ => Err(Errno::EINVAL),
    }
}

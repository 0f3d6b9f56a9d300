//! What is counted when it is asked for.

use std::time::Duration;

use abi::Errno;
use kernel::container::Resident;

use crate::rows::Subject;
use crate::values::{limit, line};

type Text = Result<Vec<u8>, Errno>;

/// Numbers, one in a line: those of whoever looks, and 0 for what has none in its pid namespace.
fn lines(numbers: impl Iterator<Item = i32>) -> Text {
    let viewer = kernel::current::task();
    let shown = |id| viewer.as_ref().map_or(id, |task| task.pids().shown(id));
    let mut shown: Vec<i32> = numbers.map(shown).collect();
    shown.sort_unstable();
    shown.dedup_by(|a, b| a == b && *a != 0);
    Ok(shown.iter().fold(String::new(), |all, number| all + &number.to_string() + "\n").into_bytes())
}

pub(crate) fn processes(subject: &Subject) -> Text {
    let mut processes: Vec<i32> =
        subject.kernel.tasks_in(&[subject.group]).iter().map(|(_, t)| t.pid()).collect();
    processes.sort_unstable();
    processes.dedup();
    lines(processes.into_iter())
}

pub(crate) fn threads(subject: &Subject) -> Text {
    lines(subject.kernel.tasks_in(&[subject.group]).iter().map(|(_, task)| task.tid()))
}

pub(crate) fn processor_time(subject: &Subject) -> Text {
    let used = subject.kernel.used_by(subject.group);
    let (all, user, system) =
        (micros(used.user.saturating_add(used.system)), micros(used.user), micros(used.system));
    line(format_args!("usage_usec {all}\nuser_usec {user}\nsystem_usec {system}"))
}

fn micros(time: Duration) -> u128 {
    time.as_micros()
}

/// The container that the group is of, if that is not the first, whose counts are those of the whole sandbox.
fn container(subject: &Subject) -> Result<Option<u32>, Errno> {
    subject.look(|group| (group.container != 0).then_some(group.container))
}

pub(crate) fn memory(subject: &Subject) -> Text {
    let Resident { anonymous, shared } = subject.kernel.resident(container(subject)?);
    line(anonymous.saturating_add(shared))
}

pub(crate) fn memory_kinds(subject: &Subject) -> Text {
    let Resident { anonymous, shared } = subject.kernel.resident(container(subject)?);
    line(format_args!("anon {anonymous}\nfile {shared}\nfile_mapped {shared}"))
}

pub(crate) fn time_limit() -> Text {
    /// Linux's, where nothing else is said.
    const PERIOD: u64 = 100_000;
    match host::machine::time_limit() {
        Some((quota, period)) => line(format_args!("{quota} {period}")),
        None => line(format_args!("max {PERIOD}")),
    }
}

pub(crate) fn memory_limit() -> Text {
    limit(host::machine::memory_limit())
}

pub(crate) fn thread_count(subject: &Subject) -> Text {
    line(subject.kernel.pids.counted(container(subject)?.unwrap_or(0)))
}

pub(crate) fn thread_limit(subject: &Subject) -> Text {
    limit(subject.kernel.pids.limit(container(subject)?.unwrap_or(0)))
}

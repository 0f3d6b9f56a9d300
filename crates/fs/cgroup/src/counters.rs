//! What the files of the group say.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use abi::Errno;
use kernel::ThreadGroup;
use kernel::container::Resident;

use crate::Group;

type Text = Result<Vec<u8>, Errno>;

fn line(value: impl Display) -> Text {
    Ok(format!("{value}\n").into_bytes())
}

/// A number, or "max" where there is no limit.
fn limit(value: Option<impl Display>) -> Text {
    value.map_or_else(|| line("max"), |value| line(value))
}

fn lines(numbers: impl Iterator<Item = i32>) -> Text {
    // Whoever looks sees those of its own pid namespace.
    let viewer = kernel::current::task();
    let numbers = numbers.filter_map(|id| viewer.as_ref().map_or(Some(id), |task| task.pids().number(id)));
    Ok(numbers.fold(String::new(), |all, number| all + &number.to_string() + "\n").into_bytes())
}

fn living(group: &Group) -> Vec<Arc<ThreadGroup>> {
    let mut groups = group.kernel.members(group.container);
    groups.retain(|group| group.representative().is_some());
    groups.sort_by_key(|group| group.pid);
    groups
}

pub(crate) fn processes(group: &Group) -> Text {
    lines(living(group).iter().map(|group| group.pid))
}

pub(crate) fn threads(group: &Group) -> Text {
    let mut threads: Vec<i32> =
        living(group).iter().flat_map(|group| group.tasks()).map(|task| task.tid()).collect();
    threads.sort_unstable();
    lines(threads.into_iter())
}

pub(crate) fn events(group: &Group) -> Text {
    // Who reads this runs.
    let populated = u8::from(!living(group).is_empty());
    line(format_args!("populated {populated}\nfrozen 0"))
}

pub(crate) fn processor_time(group: &Group) -> Text {
    let used = group.kernel.used(group.container);
    let (all, user, system) =
        (micros(used.user.saturating_add(used.system)), micros(used.user), micros(used.system));
    line(format_args!("usage_usec {all}\nuser_usec {user}\nsystem_usec {system}"))
}

fn micros(time: Duration) -> u128 {
    time.as_micros()
}

pub(crate) fn memory(group: &Group) -> Text {
    let Resident { anonymous, shared } = group.kernel.resident(group.container);
    line(anonymous.saturating_add(shared))
}

pub(crate) fn memory_kinds(group: &Group) -> Text {
    let Resident { anonymous, shared } = group.kernel.resident(group.container);
    line(format_args!("anon {anonymous}\nfile {shared}\nfile_mapped {shared}"))
}

pub(crate) fn memory_limit(_: &Group) -> Text {
    limit(host::machine::memory_limit())
}

pub(crate) fn thread_count(group: &Group) -> Text {
    line(group.kernel.pids.counted(group.container.unwrap_or(0)))
}

pub(crate) fn thread_limit(group: &Group) -> Text {
    limit(group.kernel.pids.limit(group.container.unwrap_or(0)))
}

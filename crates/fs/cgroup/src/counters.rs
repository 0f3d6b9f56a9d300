//! What the files of the group say.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use abi::Errno;
use kernel::ThreadGroup;
use kernel::accounting::Consumption;

use crate::Group;

type Text = Result<Vec<u8>, Errno>;

/// Bytes of a page.
const PAGE: u64 = 4096;

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

fn members(group: &Group) -> Vec<Arc<ThreadGroup>> {
    let mut groups = group.kernel.pids.groups();
    groups.retain(|process| {
        group.container == 0 || process.container.load(Ordering::Relaxed) == group.container
    });
    groups
}

fn living(group: &Group) -> Vec<Arc<ThreadGroup>> {
    let mut groups = members(group);
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
    let groups = members(group);
    let used = groups.iter().fold(Consumption::default(), |sum, group| {
        sum.plus(group.consumption()).plus(group.usage.lock().children)
    });
    let (all, user, system) =
        (micros(used.user.saturating_add(used.system)), micros(used.user), micros(used.system));
    line(format_args!("usage_usec {all}\nuser_usec {user}\nsystem_usec {system}"))
}

fn micros(time: Duration) -> u128 {
    time.as_micros()
}

/// Bytes of anonymous memory and of mapped files that the processes have resident, each counted for each of them.
fn resident(group: &Group) -> (u64, u64) {
    let of = |group: &Arc<ThreadGroup>| {
        let text = group.representative()?.memory().host_text("statm").ok()?;
        let mut pages = text.split_whitespace().skip(1).map(|field| field.parse::<u64>().ok());
        let (all, shared) = (pages.next()??, pages.next()??);
        Some((all.saturating_sub(shared).saturating_mul(PAGE), shared.saturating_mul(PAGE)))
    };
    let add = |(anon, file): (u64, u64), (more, others): (u64, u64)| {
        (anon.saturating_add(more), file.saturating_add(others))
    };
    living(group).iter().filter_map(of).fold((0, 0), add)
}

pub(crate) fn memory(group: &Group) -> Text {
    let (anon, file) = resident(group);
    line(anon.saturating_add(file))
}

pub(crate) fn memory_kinds(group: &Group) -> Text {
    let (anon, file) = resident(group);
    line(format_args!("anon {anon}\nfile {file}\nfile_mapped {file}"))
}

pub(crate) fn memory_limit(_: &Group) -> Text {
    limit(host::machine::memory_limit())
}

pub(crate) fn thread_count(group: &Group) -> Text {
    line(group.kernel.pids.counted(group.container))
}

pub(crate) fn thread_limit(group: &Group) -> Text {
    limit(group.kernel.pids.limit(group.container))
}

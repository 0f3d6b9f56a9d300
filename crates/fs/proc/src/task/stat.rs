//! /proc/PID/stat: proc_pid_stat(5).

use std::time::Duration;

use abi::Errno;
use kernel::accounting::Consumption;
use kernel::limits::Resource;
use kernel::task::scheduling::{SCHED_DEADLINE, Scheduling, is_real_time};

use super::Subject;
use super::memory::host_size;
use super::status::{State, state};
use super::times::{ticks, used_by};

/// The scheduler's own scale: 0 to 39 by niceness, below zero for real time.
const fn priority(nice: i32, of: Scheduling) -> i32 {
    match of.policy {
        SCHED_DEADLINE => -101,
        policy if is_real_time(policy) => (-1_i32).saturating_sub(of.priority),
        _ => nice.saturating_add(20),
    }
}

pub(super) fn stat(subject: &Subject) -> Result<Vec<u8>, Errno> {
    let group = subject.group()?;
    let relation = subject.system.kernel.pids.relation(subject.pid).ok_or(Errno::ESRCH)?;
    let task = subject.task().ok();
    let state = state(subject);
    let used = match (&task, subject.tid) {
        (Some(task), Some(_)) => {
            task.thread().map_or_else(Consumption::default, |thread| thread.cpu_time().into())
        }
        _ => used_by(&group),
    };
    let children = group.usage.lock().children;
    let (terminal, foreground) = subject.system.kernel.pids.terminal_of(subject.pid, relation.session);
    let (comm, nice, scheduling) = task.as_ref().map_or_else(
        || {
            let last = group.last();
            (last.comm.as_bytes().to_vec(), last.nice, last.scheduling)
        },
        |task| {
            let attributes = task.attributes();
            (attributes.comm.as_bytes().to_vec(), attributes.nice, attributes.scheduling)
        },
    );
    let (size, resident) = task.as_ref().filter(|_| state != State::Zombie).map_or((0, 0), |task| {
        (host_size(task, "VmSize").saturating_mul(1024), host_size(task, "VmRSS") / 4)
    });
    let image = task.as_ref().map(|task| task.space().image.lock().clone()).unwrap_or_default();
    let heap = task.as_ref().map(|task| task.space().heap()).unwrap_or_default();
    let started = ticks(group.started.saturating_duration_since(subject.system.kernel.started));
    let threads = group.tasks().len();
    let limit = group.limits.lock().get(Resource::Rss).soft;
    let shown = |id: i32| subject.system.pids.shown(id);
    let foreground = if foreground > 0 { shown(foreground) } else { foreground };
    let mut text = format!("{} (", shown(subject.id())).into_bytes();
    text.extend(comm);
    let time = |d: Duration| ticks(d);
    text.extend(
        format!(
            ") {} {} {} {} {terminal} {foreground} {} 0 0 0 0 {} {} {} {} {} {nice} {threads} 0 {started} {size} {resident} {limit} 0 0 {} 0 0 {} {} {} {} 0 0 0 17 0 {} {} 0 0 0 0 0 {} {} {} {} {} {} {}\n",
            state.letter(),
            shown(relation.parent),
            shown(relation.process_group),
            shown(relation.session),
            if group.has_executed() { 0x0040_0000 } else { 0x0040_0040 },
            time(used.user),
            time(used.system),
            time(children.user),
            time(children.system),
            priority(nice, scheduling),
            image.stack_start,
            task.as_ref().map_or(0, |t| t.signals.pending().0),
            task.as_ref().map_or(0, |t| t.signals.blocked().0),
            group.signals.caught_and_ignored().1.0,
            group.signals.caught_and_ignored().0.0,
            scheduling.priority,
            scheduling.policy,
            heap.start,
            image.arguments.start,
            image.arguments.end,
            image.environment.start,
            image.environment.end,
            0,
            0,
        )
        .bytes(),
    );
    Ok(text)
}

//! Who is told when a process ends, stops or goes on.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use abi::signal::{CLD_CONTINUED, CLD_STOPPED, SI_USER, Siginfo, Signal};
use vfs::Events;

use crate::accounting::Consumption;
use crate::namespace::Pids;
use crate::pids::{Ended, Home, INIT, JobEvent};
use crate::signal::{self, ChildDisposition};
use crate::{ExitStatus, Kernel, ThreadGroup};

/// The process has ended: it becomes a zombie, its children get another parent, and its own parent hears of it.
pub(crate) fn ended(group: &Arc<ThreadGroup>, ended: Ended) {
    if group.is_init() && !group.pids.is_initial() {
        take_namespace_down(group, ended);
    } else {
        gone(group, ended);
    }
}

/// The first process of a nested pid namespace has ended, as far as those outside know once nothing else of the namespace is left.
fn take_namespace_down(init: &Arc<ThreadGroup>, ended: Ended) {
    init.pids.end_after_others(init, ended);
    for group in others(init, &init.pids) {
        super::exit_group(&group, ExitStatus::KILLED);
    }
    end_waiting_init(init, &init.pids);
}

/// The living processes of a namespace and those below it, but for its first.
fn others(any: &ThreadGroup, pids: &Arc<Pids>) -> Vec<Arc<ThreadGroup>> {
    let table = &any.kernel.pids;
    let mut groups = table.groups();
    let alive = |pid: i32| table.ask(pid, |r| r.ended.is_none()) == Some(true);
    groups.retain(|g| g.pids.is_within(pids) && g.pid != pids.init() && alive(g.pid));
    groups
}

fn end_waiting_init(any: &ThreadGroup, pids: &Arc<Pids>) {
    if pids.has_ended()
        && others(any, pids).is_empty()
        && let Some((init, ended)) = pids.waiting_init()
    {
        gone(&init, ended);
    }
}

fn gone(group: &Arc<ThreadGroup>, ended: Ended) {
    let kernel = &group.kernel;
    crate::terminal::leader_ended(group);
    let mut wake = Vec::new();
    let mut reap = Vec::new();
    let mut unclaimed = Vec::new();
    let orphaned = kernel.pids.with(|inner| {
        let within = |pid: i32| inner.group(pid).is_some_and(|other| Arc::ptr_eq(&other.pids, &group.pids));
        let members: HashSet<i32> = match group.pids.is_initial() {
            true => HashSet::new(),
            false => inner.relations.pids().filter(|pid| within(*pid)).collect(),
        };
        let within = |pid: i32| group.pids.is_initial() || members.contains(&pid);
        let home = Home { init: group.pids.init(), within: &within };
        let aftermath = inner.relations.end(group.pid, ended, &home);
        let zombies = aftermath.adopted.iter().filter(|a| a.zombie).map(|a| a.child);
        for pid in zombies.chain([group.pid]) {
            let Some(relation) = inner.relations.get(pid).cloned() else { continue };
            let (Some(child), Some(ended)) = (inner.group(pid), relation.ended) else { continue };
            let parent = inner.group(relation.parent);
            if tell_parent(&child, parent.as_ref(), &ended) {
                reap.push(pid);
                let container = child.container.load(Ordering::Relaxed);
                unclaimed.push((container, ended.own.plus(ended.children)));
            }
            wake.extend(parent);
        }
        aftermath.orphaned
    });
    for id in orphaned {
        continue_orphans(kernel, id);
    }
    kernel.note_end();
    reap.into_iter().for_each(|pid| kernel.pids.reap(pid));
    unclaimed.into_iter().for_each(|(container, used)| kernel.unclaimed.add(container, used));
    wake.into_iter().for_each(|parent| parent.children_changed.notify(Events::IN));
    if group.pid == INIT {
        take_all_down(kernel);
    }
    kernel.process_ended(group, ended.status);
    group.ended.notify(Events::IN);
    for pids in group.pids.upward() {
        end_waiting_init(group, pids);
    }
}

/// Sends the exit signal. Whether nobody will wait for the child.
fn tell_parent(child: &Arc<ThreadGroup>, parent: Option<&Arc<ThreadGroup>>, ended: &Ended) -> bool {
    let Some(parent) = parent else { return true };
    let exit_signal = Signal::new(child.exit_signal.load(Ordering::Relaxed)).ok();
    let disposition = match exit_signal {
        Some(Signal::SIGCHLD) => parent.signals.child_disposition(),
        _ => ChildDisposition::Wait,
    };
    if let Some(signal) = exit_signal.filter(|_| disposition != ChildDisposition::Ignore) {
        let (code, status) = (ended.status.child_code(), ended.status.child_status());
        let info = about(child, parent, ended.uid, (code, status), ended.own);
        signal::send_to_group(parent, info.with_signal(signal));
    }
    disposition != ChildDisposition::Wait
}

fn about(
    child: &ThreadGroup,
    parent: &ThreadGroup,
    uid: u32,
    (code, status): (i32, i32),
    used: Consumption,
) -> Siginfo {
    let (number, uid) = (parent.pids.shown(child.pid), signal::sender::shown_uid(parent, uid));
    Siginfo::child(code, number, uid, status, ticks(used.user), ticks(used.system))
}

/// In units of `sysconf(_SC_CLK_TCK)`, which is 100 on all of Linux.
pub(crate) fn ticks(time: Duration) -> i64 {
    i64::try_from(time.as_millis() / 10).unwrap_or(i64::MAX)
}

/// A process was stopped by a signal.
pub(crate) fn stopped(group: &Arc<ThreadGroup>, signal: i32) {
    job_event(group, JobEvent::Stopped(signal), CLD_STOPPED, signal);
}

/// A stopped process was continued.
pub(crate) fn continued(group: &Arc<ThreadGroup>) {
    job_event(group, JobEvent::Continued, CLD_CONTINUED, Signal::SIGCONT.number());
}

fn job_event(group: &Arc<ThreadGroup>, event: JobEvent, code: i32, status: i32) {
    let uid = group.representative().map_or(0, |t| t.credentials().uid);
    let parent = group.kernel.pids.with(|inner| {
        let relation = inner.relations.get_mut(group.pid).filter(|r| r.ended.is_none())?;
        relation.job = Some(event);
        let above = relation.parent;
        let parent = inner.group(above)?;
        if parent.signals.wants_child_stops() {
            let info = about(group, &parent, uid, (code, status), Consumption::default());
            signal::send_to_group(&parent, info);
        }
        Some(parent)
    });
    if let Some(parent) = parent {
        parent.children_changed.notify(Events::IN);
    }
}

/// A thread has ended: children that wanted a signal for that get it.
pub(crate) fn parent_thread_ended(group: &Arc<ThreadGroup>, tid: i32) {
    let children = group.kernel.pids.with(|inner| {
        let relations = &inner.relations;
        let children = relations.get(group.pid).map(|r| r.children.clone()).unwrap_or_default();
        let mine = |pid: &i32| relations.get(*pid).is_some_and(|r| r.parent_tid == tid && r.ended.is_none());
        children.iter().filter(|pid| mine(pid)).filter_map(|pid| inner.group(*pid)).collect::<Vec<_>>()
    });
    for task in children.iter().flat_map(|child| child.tasks()) {
        let signal = task.attributes().parent_death_signal;
        if let Ok(signal) = Signal::new(signal) {
            signal::send_to_task(&task, Siginfo::user(signal, SI_USER, task.pids().shown(group.pid), 0));
        }
    }
}

/// A newly orphaned process group with stopped members gets SIGHUP and SIGCONT, as POSIX demands.
fn continue_orphans(kernel: &Arc<Kernel>, process_group: i32) {
    let members = kernel.pids.process_group(process_group);
    let is_stopped = |g: &Arc<ThreadGroup>| g.signals.state.lock().stop.is_some();
    if members.iter().any(is_stopped) {
        for member in &members {
            signal::send_to_group(member, Siginfo::kernel(Signal::SIGHUP));
            signal::send_to_group(member, Siginfo::kernel(Signal::SIGCONT));
        }
    }
}

/// Init has ended: nothing of its namespace outlives it.
fn take_all_down(kernel: &Arc<Kernel>) {
    for group in kernel.pids.groups() {
        super::exit_group(&group, ExitStatus::KILLED);
    }
}

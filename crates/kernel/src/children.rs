//! Waiting for children: wait4(2), waitid(2).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use abi::signal::Signal;
use abi::wait::WaitOptions;
use vfs::Events;

use crate::accounting::{Consumption, Peak};
use crate::pids::{JobEvent, Relation};
use crate::{ExitStatus, Task, wait};

/// Which children are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Any.
    Any,
    /// The one with this process id.
    Process(i32),
    /// Those in this process group.
    Group(i32),
}

/// What happened to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It ended.
    Ended(ExitStatus),
    /// It was stopped by a signal.
    Stopped(i32),
    /// It was continued.
    Continued,
}

/// A child that has something to report.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its process id.
    pub pid: i32,
    /// Its real user id.
    pub uid: u32,
    /// What happened.
    pub change: Change,
    /// What it and its waited-for children used. Known for those that have ended.
    pub used: Consumption,
    /// The largest resident set among those.
    pub peak: Peak,
}

/// Waits until a child has something to report, and takes the report unless `NOWAIT`.
///
/// # Errors
/// `ECHILD` if there is no such child, `EAGAIN` with `NOHANG` and nothing to report, `ERESTARTSYS`.
pub async fn wait(task: &Arc<Task>, which: Which, options: WaitOptions) -> Result<Report, Errno> {
    let attempt = || look(task, which, options);
    if options.contains(WaitOptions::NOHANG) {
        return attempt();
    }
    wait::until(task, &task.group.children_changed, Events::IN, attempt).await
}

/// One look at the children.
fn look(task: &Task, which: Which, options: WaitOptions) -> Result<Report, Errno> {
    let pids = &task.kernel.pids;
    let (mut report, reaped) = pids.with(|inner| {
        let children = inner.relations.get(task.group.pid).map(|r| r.children.clone()).unwrap_or_default();
        let mut any = false;
        for pid in children {
            let Some(relation) = inner.relations.get(pid) else { continue };
            let signal = inner.group(pid).map_or(0, |g| g.exit_signal.load(Ordering::Relaxed));
            if !eligible(task, pid, relation, signal, which, options) {
                continue;
            }
            any = true;
            let Some(mut report) = report(pid, relation, options) else { continue };
            report.pid = task.pids().shown(pid);
            if !matches!(report.change, Change::Ended(_)) {
                report.uid =
                    inner.group(pid).and_then(|g| g.representative()).map_or(0, |t| t.credentials().uid);
            }
            if let Change::Ended(_) = report.change {
                let stays = options.contains(WaitOptions::NOWAIT);
                let group = if stays { inner.group(pid) } else { inner.reap(pid) };
                return Ok((report, group));
            }
            if options.contains(WaitOptions::NOWAIT) {
                return Ok((report, None));
            }
            if let Some(relation) = inner.relations.get_mut(pid) {
                relation.job = None;
            }
            return Ok((report, None));
        }
        Err(if any { Errno::EAGAIN } else { Errno::ECHILD })
    })?;
    if let Some(ended) = reaped {
        {
            let accounts = ended.usage.lock();
            report.peak.include(accounts.past_peak.clone());
            report.peak.include(accounts.children_peak.clone());
        }
        if !options.contains(WaitOptions::NOWAIT) {
            crate::control_group::forget_zombie(&ended);
            let mut usage = task.group.usage.lock();
            usage.children = usage.children.plus(report.used);
            usage.children_peak.include(report.peak.clone());
        }
    }
    Ok(report)
}

fn eligible(
    task: &Task,
    pid: i32,
    relation: &Relation,
    exit_signal: i32,
    which: Which,
    options: WaitOptions,
) -> bool {
    let meant = match which {
        Which::Any => true,
        Which::Process(wanted) => pid == wanted,
        Which::Group(wanted) => relation.process_group == wanted,
    };
    let is_clone = exit_signal != Signal::SIGCHLD.number();
    let kind = options.contains(WaitOptions::ALL) || is_clone == options.contains(WaitOptions::CLONE);
    let mine = !options.contains(WaitOptions::NOTHREAD) || relation.parent_tid == task.tid();
    meant && kind && mine
}

fn report(pid: i32, relation: &Relation, options: WaitOptions) -> Option<Report> {
    if let Some(ended) = relation.ended {
        let change = Change::Ended(ended.status);
        let used = ended.own.plus(ended.children);
        let peak = Peak::default();
        return options.contains(WaitOptions::EXITED).then_some(Report {
            pid,
            uid: ended.uid,
            change,
            used,
            peak,
        });
    }
    let change = match relation.job? {
        JobEvent::Stopped(signal) if options.contains(WaitOptions::STOPPED) => Change::Stopped(signal),
        JobEvent::Continued if options.contains(WaitOptions::CONTINUED) => Change::Continued,
        _ => return None,
    };
    Some(Report { pid, uid: 0, change, used: Consumption::default(), peak: Peak::default() })
}

//! The timers of a process.

use std::collections::BTreeMap;
use std::sync::Arc;

use abi::signal::{Siginfo, Signal};
use parking_lot::Mutex;

use super::interval::Intervals;
use super::limit::CpuLimit;
use super::posix::PosixTimer;
use crate::signal::Queued;
use crate::{Task, ThreadGroup};

/// Interval timers, POSIX timers, and the watch over `RLIMIT_CPU`.
#[derive(Default)]
pub struct ProcessTimers {
    pub(super) intervals: Intervals,
    pub(super) cpu_limit: CpuLimit,
    pub(super) posix: Mutex<PosixTimers>,
}

/// POSIX timers by their ids, which are given out in order.
#[derive(Default)]
pub(super) struct PosixTimers {
    pub(super) timers: BTreeMap<i32, Arc<PosixTimer>>,
    pub(super) next: i32,
}

/// What a taken signal tells its taker: the overrun count of a timer is that of this moment. The timer that sent it goes on.
pub(crate) fn taken(task: &Arc<Task>, queued: Queued) -> Siginfo {
    let timers = &task.group.signals.timers;
    if let Some(id) = queued.timer {
        let timer = timers.posix.lock().timers.get(&id).cloned();
        return timer.map_or(queued.info, |timer| timer.taken(queued.info));
    }
    if queued.info.signal() == Some(Signal::SIGALRM) {
        timers.intervals.alarm_taken(&task.group);
    }
    queued.info
}

/// POSIX timers do not outlive a program; interval timers do.
pub(crate) fn exec_reset(group: &Arc<ThreadGroup>) {
    let gone = std::mem::take(&mut group.signals.timers.posix.lock().timers);
    for timer in gone.values() {
        timer.end(group);
    }
}

/// The process has a thread more, which drives its CPU clocks as well: they are looked at earlier.
pub(crate) fn thread_added(group: &Arc<ThreadGroup>) {
    super::limit::watch(group);
    let timers = &group.signals.timers;
    timers.intervals.look_again(group);
    let posix: Vec<_> = timers.posix.lock().timers.values().cloned().collect();
    posix.iter().for_each(|timer| timer.look_again());
}

/// The process has ended.
pub(crate) fn end(group: &Arc<ThreadGroup>) {
    exec_reset(group);
    group.signals.timers.intervals.clear();
    group.signals.timers.cpu_limit.clear();
}

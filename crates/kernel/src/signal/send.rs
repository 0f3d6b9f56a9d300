//! Sending: from an origin to the pending set, and the wake-up of whoever shall take it.

use std::sync::Arc;

use abi::Errno;
use abi::signal::{SI_USER, Siginfo, Signal, SignalSet};

use super::pending::Queued;
use super::stop;
use crate::limits::Resource;
use crate::{Task, ThreadGroup};

/// Whom a signal is for.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// One thread: tgkill(2), faults.
    Task(&'a Arc<Task>),
    /// A process: kill(2), children, terminals. Any of its threads may take it.
    Group(&'a Arc<ThreadGroup>),
}

impl Target<'_> {
    fn group(&self) -> &Arc<ThreadGroup> {
        match self {
            Self::Task(task) => &task.group,
            Self::Group(group) => group,
        }
    }

    /// The task whose mask tells whether an ignored signal is kept.
    fn representative(&self) -> Option<Arc<Task>> {
        match self {
            Self::Task(task) => Some(Arc::clone(task)),
            Self::Group(group) => group.representative(),
        }
    }
}

/// Where a signal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The kernel, or a process of the container. It can neither kill nor stop a container's init that has no handler.
    Inside,
    /// The runtime, or a process above the pid namespace of the receiver, which can.
    Outside,
}

/// Sends a signal to a task. One that cannot be queued loses its particulars.
pub fn send_to_task(task: &Arc<Task>, info: Siginfo) {
    let _ = send(Target::Task(task), info, Origin::Inside);
}

/// Sends a signal to a process. One that cannot be queued loses its particulars.
pub fn send_to_group(group: &Arc<ThreadGroup>, info: Siginfo) {
    let _ = send(Target::Group(group), info, Origin::Inside);
}

/// Sends a signal.
///
/// # Errors
/// `EINVAL` if `info` names no signal, `EAGAIN` if a real-time signal with particulars of its own finds the quota of the target's user used up.
pub fn send(target: Target<'_>, info: Siginfo, origin: Origin) -> Result<(), Errno> {
    send_from_timer(target, info, origin, None).map(|_| ())
}

/// As [`send`], for a POSIX timer if it has an id. Whether the signal became pending.
pub(crate) fn send_from_timer(
    target: Target<'_>,
    info: Siginfo,
    origin: Origin,
    timer: Option<i32>,
) -> Result<bool, Errno> {
    let signal = info.signal().ok_or(Errno::EINVAL)?;
    let group = target.group();
    if group.exiting().is_some() {
        return Ok(false);
    }
    if signal.stops() {
        stop::discard(group, SignalSet::of(&[Signal::SIGCONT]));
    } else if signal == Signal::SIGCONT {
        stop::go_on(group);
    }
    if ignored(&target, signal, origin) {
        return Ok(false);
    }
    let queued = queue_entry(group, signal, info, timer)?;
    let woken = enqueue(&target, signal, queued);
    group.kernel.signal_arrivals.notify(vfs::Events::IN);
    if let Some(task) = woken {
        tracing::trace!(tid = task.tid(), %signal, "signal sent");
        task.kick();
    }
    Ok(true)
}

/// Whether the signal would do nothing and is not worth keeping. A blocked one is always kept: its action may have changed when it is
/// unblocked, and sigtimedwait(2) may want it.
fn ignored(target: &Target<'_>, signal: Signal, origin: Origin) -> bool {
    let signals = &target.group().signals;
    let unblocked = target.representative().is_none_or(|task| {
        let mut state = task.signals.state.lock();
        !(state.mask.get() | state.wanted).has(signal)
    });
    if !unblocked {
        return false;
    }
    let forced = origin == Origin::Outside && signal.is_unblockable();
    let (ignores, handles) = signals.with_actions(|a| (a.ignores(signal), a.handles(signal)));
    ignores || (signals.is_protected() && !handles && !forced)
}

/// Finds a place in the queue. `None`: the signal becomes pending without particulars.
fn queue_entry(
    group: &Arc<ThreadGroup>,
    signal: Signal,
    info: Siginfo,
    timer: Option<i32>,
) -> Result<Option<Queued>, Errno> {
    // Standard signals are few, and a timer's place was taken when it was made.
    if !signal.is_realtime() || timer.is_some() {
        return Ok(Some(Queued { info, timer, _charge: None }));
    }
    let limit = group.limits.lock().get(Resource::Sigpending).soft;
    let uid = group.representative().map_or(0, |task| task.credentials().uid);
    match group.kernel.signal_quota.charge(uid, limit) {
        Some(charge) => Ok(Some(Queued { info, timer: None, _charge: Some(charge) })),
        None if info.code == SI_USER || info.code > 0 => Ok(None),
        None => Err(Errno::EAGAIN),
    }
}

/// Makes it pending; whom to wake.
fn enqueue(target: &Target<'_>, signal: Signal, queued: Option<Queued>) -> Option<Arc<Task>> {
    // Taken first: the state of signals ranks above that of the group.
    let tasks = target.group().tasks();
    let mut group = target.group().signals.state.lock();
    match target {
        Target::Task(task) => {
            let mut state = task.signals.state.lock();
            match queued {
                Some(queued) => state.pending.push(signal, queued),
                None => state.pending.mark(signal),
            }
            let wakes = wants(&mut state, signal);
            if wakes {
                task.signals.demand_attention();
            }
            wakes.then(|| Arc::clone(task))
        }
        Target::Group(_) => {
            match queued {
                Some(queued) => group.pending.push(signal, queued),
                None => group.pending.mark(signal),
            }
            let chosen = choose(&tasks, signal)?;
            chosen.signals.demand_attention();
            Some(chosen)
        }
    }
}

/// The task that shall take a signal of the process: one that does not block it, preferably one that has nothing else to take.
/// Under the lock of the group's signals.
pub(super) fn choose(tasks: &[Arc<Task>], signal: Signal) -> Option<Arc<Task>> {
    let mut willing = tasks.iter().filter(|task| wants(&mut task.signals.state.lock(), signal)).peekable();
    let first = willing.peek().copied();
    willing.find(|task| !task.signals.wants_attention()).or(first).cloned()
}

/// Whether a task would take the signal, which is pending, now.
fn wants(state: &mut super::state::TaskState, signal: Signal) -> bool {
    if state.ended {
        return false;
    }
    let admitted = state.mask.admits(signal);
    signal == Signal::SIGKILL || (!state.stopped && (admitted || state.wanted.has(signal)))
}

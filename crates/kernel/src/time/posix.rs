//! POSIX timers: timer_create(2).
//!
//! A timer that has sent its signal rests until the signal is taken; only then are the periods counted that have passed
//! meanwhile, and the timer set anew. So a blocked signal costs nothing, however short the period.

use std::sync::{Arc, Weak};
use std::time::Duration;

use abi::Errno;
use abi::signal::{Siginfo, Signal};
use parking_lot::Mutex;
use vfs::{Events, Listener};

use super::cpu::Watch;
use super::schedule::Schedule;
use super::{Clock, Timer};
use crate::limits::Resource;
use crate::signal::{self, Charge, Origin, Target};
use crate::{Task, ThreadGroup};

/// The largest overrun count: `DELAYTIMER_MAX`.
const MOST_OVERRUNS: i32 = i32::MAX;

/// What happens when a timer expires.
pub enum Notify {
    /// Nothing; it can be asked.
    None,
    /// A signal with this value for the process.
    Process(Signal, u64),
    /// A signal with this value for a thread.
    Thread(Signal, u64, Weak<Task>),
}

/// A timer.
pub struct PosixTimer {
    id: i32,
    clock: Clock,
    notify: Notify,
    group: Weak<ThreadGroup>,
    this: Weak<Self>,
    state: Mutex<State>,
    /// Held while it expires and sends its signal, and while it is set or removed: nothing of an old setting comes after that. Before all
    /// other locks.
    turn: Mutex<()>,
    _charge: Charge,
}

#[derive(Default)]
struct State {
    schedule: Schedule,
    /// Whether its signal is pending.
    pending: bool,
    /// Overruns of the last signal that was taken.
    overrun: i32,
    alarm: Option<Timer>,
    watch: Watch,
}

/// What timer_gettime(2) reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Period.
    pub interval: Duration,
    /// Time left; zero if it is off.
    pub left: Duration,
}

/// Makes a timer. A missing `notify` means SIGALRM with the timer's id. Returns the id.
///
/// # Errors
/// `EAGAIN` if the user has too many (`RLIMIT_SIGPENDING`), `EOPNOTSUPP` for a clock without timers.
pub fn create(task: &Arc<Task>, clock: Clock, notify: Option<Notify>) -> Result<i32, Errno> {
    if !clock.has_timers() {
        return Err(Errno::EOPNOTSUPP);
    }
    let limit = task.group.limits.lock().get(Resource::Sigpending).soft;
    let quota = &task.kernel.signal_quota;
    let charge = quota.charge(task.credentials().uid, limit).ok_or(Errno::EAGAIN)?;
    let mut timers = task.group.signals.timers.posix.lock();
    let id = timers.next;
    timers.next = id.checked_add(1).ok_or(Errno::EAGAIN)?;
    let notify = notify.unwrap_or(Notify::Process(Signal::SIGALRM, u64::from(id.unsigned_abs())));
    let timer = Arc::new_cyclic(|this| PosixTimer {
        id,
        clock,
        notify,
        group: Arc::downgrade(&task.group),
        this: Weak::clone(this),
        state: Mutex::default(),
        turn: Mutex::default(),
        _charge: charge,
    });
    timers.timers.insert(id, timer);
    Ok(id)
}

/// A timer of a process.
///
/// # Errors
/// `EINVAL` if there is none of this id.
pub fn find(group: &ThreadGroup, id: i32) -> Result<Arc<PosixTimer>, Errno> {
    group.signals.timers.posix.lock().timers.get(&id).cloned().ok_or(Errno::EINVAL)
}

/// Removes a timer, and its signal if that is pending.
///
/// # Errors
/// `EINVAL` if there is none of this id.
pub fn delete(group: &Arc<ThreadGroup>, id: i32) -> Result<(), Errno> {
    let timer = group.signals.timers.posix.lock().timers.remove(&id).ok_or(Errno::EINVAL)?;
    timer.end(group);
    Ok(())
}

/// Drops what a timer has sent.
fn discard(group: &Arc<ThreadGroup>, id: i32) {
    let tasks = group.tasks();
    group.signals.state.lock().pending.discard_timer(id);
    for task in tasks {
        task.signals.state.lock().pending.discard_timer(id);
    }
}

impl PosixTimer {
    /// Sets it. Returns the old setting.
    pub fn set(&self, value: Duration, interval: Duration, absolute: bool) -> Setting {
        let turn = self.turn.lock();
        if let Some(group) = self.group.upgrade() {
            discard(&group, self.id);
        }
        let now = self.clock.now();
        let mut state = self.state.lock();
        let old = self.setting(&mut state, now);
        state.pending = false;
        state.overrun = 0;
        state.schedule = Schedule::new(value, interval, absolute, now);
        state.watch = Watch::default();
        let previous = state.alarm.take();
        self.arm(&mut state);
        drop(state);
        drop(turn);
        drop(previous);
        old
    }

    /// It was removed: it sends no signal any more, and what it sent is dropped.
    pub(super) fn end(&self, group: &Arc<ThreadGroup>) {
        let turn = self.turn.lock();
        let mut state = self.state.lock();
        state.schedule.next = None;
        let alarm = state.alarm.take();
        drop(state);
        discard(group, self.id);
        drop(turn);
        drop(alarm);
    }

    /// Its setting.
    #[must_use]
    pub fn get(&self) -> Setting {
        let now = self.clock.now();
        self.setting(&mut self.state.lock(), now)
    }

    /// How often it expired between the sending and the taking of its last signal, besides the one that the signal tells of.
    #[must_use]
    pub fn overrun(&self) -> i32 {
        self.state.lock().overrun
    }

    fn setting(&self, state: &mut State, now: Duration) -> Setting {
        let mut schedule = state.schedule;
        // Expiries that nobody was told of yet do not show.
        if state.pending || matches!(self.notify, Notify::None) {
            schedule.expire(now);
        }
        Setting { interval: schedule.interval, left: schedule.left(now) }
    }

    fn arm(&self, state: &mut State) {
        let at = match self.notify {
            Notify::None => None,
            _ => state.schedule.next.and_then(|next| self.clock.instant(next, &mut state.watch)),
        };
        state.alarm = at.zip(self.group.upgrade()).zip(self.this.upgrade()).map(|((at, group), this)| {
            let listener: Arc<dyn Listener> = this;
            group.kernel.timers.add(at, listener)
        });
    }

    /// A timer of the process's CPU time is looked at anew.
    pub(super) fn look_again(&self) {
        if !matches!(self.clock, Clock::Process(..)) {
            return;
        }
        let mut state = self.state.lock();
        let old = state.alarm.take();
        if old.is_some() {
            self.arm(&mut state);
        }
        drop(state);
        drop(old);
    }

    fn send(&self, group: &Arc<ThreadGroup>) -> bool {
        let thread;
        let (target, signal, value) = match &self.notify {
            Notify::None => return false,
            Notify::Process(signal, value) => (Target::Group(group), *signal, *value),
            Notify::Thread(signal, value, task) => {
                let Some(task) = task.upgrade() else { return false };
                thread = task;
                (Target::Task(&thread), *signal, *value)
            }
        };
        let info = Siginfo::timer(signal, self.id, 0, value);
        signal::send_from_timer(target, info, Origin::Inside, Some(self.id)).unwrap_or(false)
    }

    /// Its signal is taken: the particulars with the overrun count. A periodic timer is set anew.
    pub(super) fn taken(&self, info: Siginfo) -> Siginfo {
        let now = self.clock.now();
        let mut state = self.state.lock();
        state.pending = false;
        let passed = state.schedule.expire(now);
        state.overrun = i32::try_from(passed).unwrap_or(MOST_OVERRUNS);
        self.arm(&mut state);
        let overrun = state.overrun;
        drop(state);
        info.signal().map_or(info, |signal| Siginfo::timer(signal, self.id, overrun, info.value()))
    }
}

impl Listener for PosixTimer {
    /// The time may have come.
    fn notify(&self, _: Events) {
        let Some(group) = self.group.upgrade() else { return };
        let _turn = self.turn.lock();
        let now = self.clock.now();
        {
            let mut state = self.state.lock();
            if state.pending || state.schedule.next.is_none() {
                return;
            }
            if state.schedule.expire(now) == 0 {
                self.arm(&mut state);
                return;
            }
            state.pending = true;
        }
        if !self.send(&group) {
            // Ignored: nobody will take the signal, so the timer goes on by itself, but not faster than the clock ticks.
            let mut state = self.state.lock();
            state.pending = false;
            if let Some(next) = state.schedule.next {
                state.schedule.next = Some(next.max(now.saturating_add(super::cpu::TICK)));
            }
            self.arm(&mut state);
        }
    }
}

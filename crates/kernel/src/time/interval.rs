//! Interval timers: setitimer(2), alarm(2).

use std::sync::{Arc, Weak};
use std::time::Duration;

use abi::signal::{Siginfo, Signal};
use host::clock::HostClock;
use parking_lot::Mutex;
use vfs::{Events, Listener};

use super::clock::CpuTime;
use super::cpu::Watch;
use super::posix::Setting;
use super::schedule::Schedule;
use super::{Clock, Timer};
use crate::ThreadGroup;
use crate::signal;

/// Which of a process's interval timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalKind {
    /// Real time, SIGALRM.
    Real,
    /// User CPU time, SIGVTALRM.
    Virtual,
    /// User and system CPU time, SIGPROF.
    Profiling,
}

impl IntervalKind {
    const fn signal(self) -> Signal {
        match self {
            Self::Real => Signal::SIGALRM,
            Self::Virtual => Signal::SIGVTALRM,
            Self::Profiling => Signal::SIGPROF,
        }
    }

    fn clock(self, group: &Arc<ThreadGroup>) -> Clock {
        match self {
            Self::Real => Clock::Host(HostClock::Monotonic),
            Self::Virtual => Clock::Process(Arc::clone(group), CpuTime::User),
            Self::Profiling => Clock::Process(Arc::clone(group), CpuTime::All),
        }
    }
}

/// The three interval timers of a process.
#[derive(Default)]
pub(super) struct Intervals {
    /// Held from where a timer is seen to have expired until its signal is sent, and by who sets one: when
    /// setitimer(2) returns, the old setting has no signal left to send. Taken before the timers' own locks.
    sending: Mutex<()>,
    real: Mutex<State>,
    virtual_: Mutex<State>,
    profiling: Mutex<State>,
}

#[derive(Default)]
struct State {
    schedule: Schedule,
    alarm: Option<Timer>,
    watch: Watch,
}

impl Intervals {
    const fn get(&self, kind: IntervalKind) -> &Mutex<State> {
        match kind {
            IntervalKind::Real => &self.real,
            IntervalKind::Virtual => &self.virtual_,
            IntervalKind::Profiling => &self.profiling,
        }
    }

    /// SIGALRM was taken: a periodic timer that rests since it sent one goes on.
    pub(super) fn alarm_taken(&self, group: &Arc<ThreadGroup>) {
        let kind = IntervalKind::Real;
        let clock = kind.clock(group);
        let mut state = self.real.lock();
        if state.alarm.is_none() && !state.schedule.interval.is_zero() {
            state.schedule.expire(clock.now());
            arm(group, kind, &clock, &mut state);
        }
    }

    /// The timers of CPU time are looked at anew.
    pub(super) fn look_again(&self, group: &Arc<ThreadGroup>) {
        for kind in [IntervalKind::Virtual, IntervalKind::Profiling] {
            let mut state = self.get(kind).lock();
            let old = state.alarm.take();
            if old.is_some() {
                arm(group, kind, &kind.clock(group), &mut state);
            }
            drop(state);
            drop(old);
        }
    }

    /// Turns all off.
    pub(super) fn clear(&self) {
        for timer in [&self.real, &self.virtual_, &self.profiling] {
            let old = std::mem::take(&mut *timer.lock());
            drop(old);
        }
    }
}

/// Sets a timer of a process to expire after `value`, and then every `interval`; a zero value turns it off. Returns the old setting.
pub fn set(group: &Arc<ThreadGroup>, kind: IntervalKind, value: Duration, interval: Duration) -> Setting {
    let clock = kind.clock(group);
    let now = clock.now();
    let intervals = &group.signals.timers.intervals;
    let _none_under_way = intervals.sending.lock();
    let mut state = intervals.get(kind).lock();
    let old = Setting { interval: state.schedule.interval, left: state.schedule.left(now) };
    state.schedule = Schedule::new(value, interval, false, now);
    state.watch = Watch::default();
    let previous = state.alarm.take();
    arm(group, kind, &clock, &mut state);
    drop(state);
    drop(previous);
    old
}

/// A timer's setting.
#[must_use]
pub fn get(group: &Arc<ThreadGroup>, kind: IntervalKind) -> Setting {
    let now = kind.clock(group).now();
    let state = group.signals.timers.intervals.get(kind).lock();
    Setting { interval: state.schedule.interval, left: state.schedule.left(now) }
}

fn arm(group: &Arc<ThreadGroup>, kind: IntervalKind, clock: &Clock, state: &mut State) {
    let at = state.schedule.next.and_then(|next| clock.instant(next, &mut state.watch));
    state.alarm = at.map(|at| {
        let listener = Arc::new(Expiry { group: Arc::downgrade(group), kind });
        group.kernel.timers.add(at, listener)
    });
}

/// The time may have come.
struct Expiry {
    group: Weak<ThreadGroup>,
    kind: IntervalKind,
}

impl Listener for Expiry {
    fn notify(&self, _: Events) {
        let Some(group) = self.group.upgrade() else { return };
        let clock = self.kind.clock(&group);
        let now = clock.now();
        let intervals = &group.signals.timers.intervals;
        let _under_way = intervals.sending.lock();
        {
            let mut state = intervals.get(self.kind).lock();
            let Some(next) = state.schedule.next else { return };
            if next > now {
                arm(&group, self.kind, &clock, &mut state);
                return;
            }
            let old = if self.kind == IntervalKind::Real && !state.schedule.interval.is_zero() {
                // It rests until the signal is taken.
                state.alarm.take()
            } else {
                state.schedule.expire(now);
                let old = state.alarm.take();
                arm(&group, self.kind, &clock, &mut state);
                old
            };
            drop(state);
            drop(old);
        }
        signal::send_to_group(&group, Siginfo::kernel(self.kind.signal()));
    }
}

//! timerfd_create(2).

use std::any::Any;
use std::sync::{Arc, Weak};
use std::time::Duration;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{Attributes, Events, File, Listener, Sink, WaitQueue};

use super::cpu::Watch;
use super::posix::Setting;
use super::schedule::Schedule;
use super::{Clock, Timer, Timers};

/// A timer that is read.
///
/// Between its expiry and the next read it rests: the periods that pass meanwhile are counted when it is read.
pub struct TimerFd {
    clock: Clock,
    timers: Arc<Timers>,
    this: Weak<Self>,
    queue: Arc<WaitQueue>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    schedule: Schedule,
    /// Expiries that were not read.
    ticks: u64,
    alarm: Option<Timer>,
}

impl TimerFd {
    /// A timer that is off.
    #[must_use]
    pub fn new(clock: Clock, timers: Arc<Timers>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            clock,
            timers,
            this: Weak::clone(this),
            queue: WaitQueue::new(),
            state: Mutex::default(),
        })
    }

    /// Sets it. Returns the old setting. Expiries that were not read are forgotten.
    pub fn set(&self, value: Duration, interval: Duration, absolute: bool) -> Setting {
        let now = self.clock.now();
        let mut state = self.state.lock();
        let mut old = state.schedule;
        if state.ticks > 0 {
            old.expire(now);
        }
        state.ticks = 0;
        state.schedule = Schedule::new(value, interval, absolute, now);
        let previous = state.alarm.take();
        self.arm(&mut state);
        drop(state);
        drop(previous);
        Setting { interval: old.interval, left: old.left(now) }
    }

    /// Its setting.
    #[must_use]
    pub fn get(&self) -> Setting {
        let now = self.clock.now();
        let mut state = self.state.lock();
        self.count(&mut state, now);
        Setting { interval: state.schedule.interval, left: state.schedule.left(now) }
    }

    /// Counts what passed since the first expiry that was not read.
    fn count(&self, state: &mut State, now: Duration) {
        if state.ticks > 0 {
            state.ticks = state.ticks.saturating_add(state.schedule.expire(now));
        }
    }

    fn arm(&self, state: &mut State) {
        let at = state.schedule.next.and_then(|next| self.clock.instant(next, &mut Watch::default()));
        state.alarm = at.zip(self.this.upgrade()).map(|(at, this)| {
            let listener: Arc<dyn Listener> = Arc::new(Expiry(Arc::downgrade(&this)));
            self.timers.add(at, listener)
        });
    }
}

struct Expiry(Weak<TimerFd>);

impl Listener for Expiry {
    fn notify(&self, _: Events) {
        let Some(timer) = self.0.upgrade() else { return };
        let now = timer.clock.now();
        let mut state = timer.state.lock();
        let passed = state.schedule.expire(now);
        if passed == 0 {
            timer.arm(&mut state);
            return;
        }
        state.ticks = state.ticks.saturating_add(passed);
        let old = state.alarm.take();
        drop(state);
        drop(old);
        timer.queue.notify(Events::IN | Events::RDNORM);
    }
}

impl File for TimerFd {
    fn read(&self, _: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        if into.room() < 8 {
            return Err(Errno::EINVAL);
        }
        let now = self.clock.now();
        let mut state = self.state.lock();
        self.count(&mut state, now);
        let ticks = std::mem::take(&mut state.ticks);
        if ticks == 0 {
            return Err(Errno::EAGAIN);
        }
        let old = state.alarm.take();
        self.arm(&mut state);
        drop(state);
        drop(old);
        if into.put(&ticks.to_ne_bytes())? == 8 { Ok(8) } else { Err(Errno::EFAULT) }
    }

    fn seekable(&self) -> bool {
        false
    }

    fn poll(&self) -> Events {
        if self.state.lock().ticks > 0 { Events::IN | Events::RDNORM } else { Events::empty() }
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        Some(&self.queue)
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(anon::attributes())
    }

    fn description(&self) -> String {
        String::from("anon_inode:[timerfd]")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use host::clock::HostClock;
    use vfs::io::VecSink;

    use super::*;

    fn timer() -> Arc<TimerFd> {
        TimerFd::new(Clock::Host(HostClock::Monotonic), Arc::default())
    }

    fn read(timer: &TimerFd) -> Result<u64, Errno> {
        let mut sink = VecSink::new(8);
        timer.read(0, &mut sink)?;
        Ok(u64::from_ne_bytes(sink.data.try_into().unwrap()))
    }

    fn wait(timer: &TimerFd) {
        let started = Instant::now();
        while timer.poll().is_empty() {
            assert!(started.elapsed() < Duration::from_secs(5), "it never expired");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn expires_once_and_is_off() {
        let timer = timer();
        assert_eq!(read(&timer), Err(Errno::EAGAIN));
        timer.set(Duration::from_millis(5), Duration::ZERO, false);
        assert!(timer.get().left <= Duration::from_millis(5));
        wait(&timer);
        assert_eq!(read(&timer), Ok(1));
        assert_eq!(read(&timer), Err(Errno::EAGAIN));
        assert_eq!(timer.get(), Setting { interval: Duration::ZERO, left: Duration::ZERO });
    }

    #[test]
    fn counts_periods_that_nobody_read() {
        let timer = timer();
        let started = Instant::now();
        timer.set(Duration::from_millis(2), Duration::from_millis(2), false);
        std::thread::sleep(Duration::from_millis(41));
        wait(&timer);
        let count = read(&timer).unwrap();
        let most = u64::try_from(started.elapsed().as_millis()).unwrap() / 2;
        assert!((20..=most).contains(&count), "{count} of {most}");
        wait(&timer);
    }

    #[test]
    fn a_time_that_has_passed_expires_at_once() {
        let timer = timer();
        timer.set(Duration::from_nanos(1), Duration::ZERO, true);
        wait(&timer);
        assert_eq!(read(&timer), Ok(1));
        timer.set(Duration::from_secs(100), Duration::ZERO, false);
        let old = timer.set(Duration::ZERO, Duration::ZERO, false);
        assert!(old.left > Duration::from_secs(99));
    }
}

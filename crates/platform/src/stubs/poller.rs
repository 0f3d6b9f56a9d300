//! The thread that looks for requests in the windows of hot threads, so that these need not ring. What it does when is [`super::policy`]'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::calls;
use super::delivery;
use super::policy::{Counters, Processor, SPIN};
use super::thread::StubThread;
use super::window::Window;

/// How often the poller looks into all windows before it looks at the clock.
const LOOKS: u32 = 32;

/// The poller as others see it.
#[derive(Default)]
pub(super) struct Poller {
    inner: Mutex<Inner>,
    changed: Condvar,
    /// Whether somebody waits to be taken up.
    wanted: AtomicBool,
    pub(super) counters: Counters,
}

#[derive(Default)]
struct Inner {
    joining: Vec<Arc<StubThread>>,
    /// The processor that the last of them was seen on.
    away_from: Option<u64>,
    started: bool,
    closed: bool,
}

/// A thread that is being served.
struct Served {
    thread: Arc<StubThread>,
    window: Arc<Window>,
    last: Duration,
    calls: u32,
}

impl Poller {
    /// Takes a thread up, which has a window. The poller's own thread is made when it is first needed; without one nothing is lost
    /// but time. `here` is the processor that the thread was last seen on.
    pub(super) fn serve(self: &Arc<Self>, thread: Arc<StubThread>, here: u64) {
        let mut inner = self.inner.lock();
        if inner.closed || inner.joining.iter().any(|other| Arc::ptr_eq(other, &thread)) {
            return;
        }
        inner.joining.push(thread);
        inner.away_from = Some(here);
        self.wanted.store(true, Ordering::Relaxed);
        if !inner.started {
            let poller = Arc::clone(self);
            let made = std::thread::Builder::new().name("poller".to_owned()).spawn(move || poller.work());
            inner.started = made.is_ok();
        }
        drop(inner);
        self.changed.notify_one();
    }

    /// Ends the poller's thread.
    pub(super) fn close(&self) {
        let mut inner = self.inner.lock();
        inner.closed = true;
        inner.joining.clear();
        self.wanted.store(true, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Sleeps until somebody wants to be served. Returns false at the end.
    fn wait(&self) -> bool {
        let mut inner = self.inner.lock();
        while !inner.closed && inner.joining.is_empty() {
            self.changed.wait(&mut inner);
        }
        !inner.closed
    }

    /// Takes up those that wait for it. Returns false at the end.
    fn take_up(&self, served: &mut Vec<Served>, now: Duration) -> bool {
        let mut inner = self.inner.lock();
        if let Some(number) = inner.away_from.take().filter(|number| *number == calls::processor()) {
            calls::leave_processor(number);
            Counters::count(&self.counters.moves);
        }
        self.wanted.store(false, Ordering::Relaxed);
        for thread in inner.joining.drain(..) {
            if let Some(window) = thread.window.get().map(Arc::clone)
                && !served.iter().any(|other| Arc::ptr_eq(&other.thread, &thread))
            {
                Counters::count(&self.counters.joins);
                served.push(Served { thread, window, last: now, calls: 0 });
            }
        }
        !inner.closed
    }

    fn work(&self) {
        let start = Instant::now();
        let budget = pauses(SPIN);
        let mut processor = Processor::default();
        while self.wait() {
            let woken = start.elapsed();
            Counters::count(&self.counters.starts);
            processor.worked(woken);
            self.poll(start, budget, &mut processor);
            let awake = start.elapsed().saturating_sub(woken).as_micros();
            self.counters.awake.fetch_add(u64::try_from(awake).unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// Serves until nobody is left who is worth it.
    fn poll(&self, start: Instant, budget: u64, processor: &mut Processor) {
        let mut served = Vec::new();
        let mut now = start.elapsed();
        loop {
            if self.wanted.load(Ordering::Relaxed) && !self.take_up(&mut served, now) {
                break;
            }
            let here = calls::processor();
            served.iter().for_each(|one| one.window.set_poller(Some(here), budget));
            let mut found = 0;
            for _ in 0..LOOKS {
                for one in &mut served {
                    if one.window.is_posted() && one.serve() {
                        Counters::count(&self.counters.polled);
                        found += 1;
                        one.last = now;
                    }
                }
                core::hint::spin_loop();
            }
            now = start.elapsed();
            if found > 0 {
                processor.worked(now);
            } else if processor.tick(now) {
                Counters::count(&self.counters.preempted);
            }
            let patience = processor.patience(now);
            served.retain_mut(|one| now.saturating_sub(one.last) < patience || !self.leave(one));
            if served.is_empty() && !self.wanted.load(Ordering::Relaxed) {
                return;
            }
        }
        served.iter().for_each(|one| one.window.set_poller(None, budget));
    }

    /// Leaves a thread. Returns false if it has just posted something after all.
    fn leave(&self, one: &mut Served) -> bool {
        one.window.set_poller(None, 0);
        if one.window.is_posted() {
            return false;
        }
        if one.thread.heat.lock().left(one.calls) {
            Counters::count(&self.counters.in_vain);
        }
        true
    }
}

impl Served {
    /// Takes the request and carries it out, up to where it waits.
    fn serve(&mut self) -> bool {
        let Some(request) = self.window.take_posted() else { return false };
        self.calls = self.calls.saturating_add(1);
        delivery::receiving(|| self.thread.called_by_poll(&request));
        true
    }
}

/// How many pauses of the processor take this long.
fn pauses(time: Duration) -> u64 {
    const TRIES: u32 = 2000;
    let spin = || {
        let start = Instant::now();
        (0..TRIES).for_each(|_| core::hint::spin_loop());
        start.elapsed()
    };
    // The least disturbed of a few.
    let least = (0..3).map(|_| spin()).min().unwrap_or(time).as_nanos().max(1);
    u64::try_from(time.as_nanos() * u128::from(TRIES) / least).unwrap_or(1000)
}

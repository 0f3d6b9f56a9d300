//! The thread that looks for requests in the windows of hot threads, so that these need not ring. What it does when is [`super::policy`]'s.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rustix::thread::Pid;

use super::calls;
use super::delivery;
use super::policy::{Counters, FORGET, Heat, Processor, SPIN, is_futile};
use super::thread::StubThread;
use super::window::{Window, Word};

/// How often the poller looks into all windows before it looks at the clock.
const LOOKS: u32 = 32;

thread_local! {
    /// Whether this is a poller's thread.
    static POLLING: Cell<bool> = const { Cell::new(false) };
}

/// Answers a guest's thread that sleeps. By itself the host would have it run where its answer comes from (`SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`); but beside a
/// poller on one processor neither gets on, as the poller is about to look for its next call.
pub(super) fn apart(thread: i32, answer: impl FnOnce()) {
    match Pid::from_raw(thread).filter(|_| POLLING.get()) {
        Some(thread) => calls::kept_off(thread, calls::processor(), answer),
        None => answer(),
    }
}

/// The poller as others see it.
#[derive(Default)]
pub(super) struct Poller {
    inner: Mutex<Inner>,
    changed: Condvar,
    /// Whether somebody waits to be taken up.
    wanted: AtomicBool,
    /// Whether it is awake: then it costs nothing to look into one window more.
    awake: AtomicBool,
    /// How hot all threads together are.
    heat: Mutex<Heat>,
    pub(super) counters: Counters,
}

#[derive(Default)]
struct Inner {
    joining: Vec<Arc<StubThread>>,
    /// The poller's own thread, once there is one.
    thread: Option<JoinHandle<()>>,
    /// The same, while it sleeps.
    asleep: Option<Pid>,
    closed: bool,
}

/// A thread that is being served.
struct Served {
    thread: Arc<StubThread>,
    window: Arc<Window>,
    /// What was last seen in the window and seen to.
    seen: Word,
    last: Duration,
}

impl Poller {
    /// A call has come through a window without the poller's help. `hot` tells whether its thread alone is worth one.
    pub(super) fn missed(self: &Arc<Self>, thread: &StubThread, now: Duration, hot: bool) {
        let all = self.heat.lock().call(now);
        if (hot || all || self.awake.load(Ordering::Relaxed))
            && let Some(thread) = thread.arc()
        {
            self.serve(thread, calls::processor());
        }
    }

    /// Takes a thread up, which has a window. The poller's own thread is made when it is first needed; without one nothing is lost
    /// but time. `here` is the processor that the thread was last seen on.
    fn serve(self: &Arc<Self>, thread: Arc<StubThread>, here: u64) {
        let mut inner = self.inner.lock();
        if inner.closed || inner.joining.iter().any(|other| Arc::ptr_eq(other, &thread)) {
            return;
        }
        inner.joining.push(thread);
        self.wanted.store(true, Ordering::Relaxed);
        if inner.thread.is_none() {
            let poller = Arc::clone(self);
            let made = std::thread::Builder::new().name("poller".to_owned()).spawn(move || poller.work());
            inner.thread = made.ok();
        }
        let asleep = inner.asleep.take();
        drop(inner);
        if let Some(poller) = asleep {
            // Said to a thread that sleeps this costs a call; one that wakes up in the wrong place takes 100 us to move.
            calls::keep_off(poller, here);
        }
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

    /// Waits until the poller's thread has ended, after [`Self::close`]: it lets go of those it served.
    pub(super) fn join(&self) {
        let thread = self.inner.lock().thread.take();
        // One that panicked has said so.
        drop(thread.map(JoinHandle::join));
    }

    /// Sleeps until somebody wants to be served. Returns false at the end.
    fn wait(&self) -> bool {
        let mut inner = self.inner.lock();
        while !inner.closed && inner.joining.is_empty() {
            inner.asleep = Some(rustix::thread::gettid());
            self.changed.wait(&mut inner);
        }
        inner.asleep = None;
        !inner.closed
    }

    /// Takes up those that wait for it. Returns false at the end.
    fn take_up(&self, served: &mut Vec<Served>, now: Duration) -> bool {
        let mut inner = self.inner.lock();
        self.wanted.store(false, Ordering::Relaxed);
        for thread in inner.joining.drain(..) {
            if let Some(window) = thread.window.get().map(Arc::clone)
                && !served.iter().any(|other| Arc::ptr_eq(&other.thread, &thread))
            {
                Counters::count(&self.counters.joins);
                served.push(Served { thread, window, seen: Word::default(), last: now });
            }
        }
        !inner.closed
    }

    fn work(&self) {
        POLLING.set(true);
        let start = Instant::now();
        let budget = pauses(SPIN);
        let mut processor = Processor::default();
        while self.wait() {
            calls::may_run_anywhere([rustix::thread::gettid()]);
            let woken = start.elapsed();
            Counters::count(&self.counters.starts);
            processor.worked(woken);
            self.awake.store(true, Ordering::Relaxed);
            self.poll(start, budget, &mut processor);
            self.awake.store(false, Ordering::Relaxed);
            let awake = start.elapsed().saturating_sub(woken).as_micros();
            self.counters.awake.fetch_add(u64::try_from(awake).unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// Serves until nobody is left who is worth it.
    fn poll(&self, start: Instant, budget: u64, processor: &mut Processor) {
        let mut served: Vec<Served> = Vec::new();
        let mut now = start.elapsed();
        let (mut calls, mut last) = (0u32, now);
        let ended_in_rings =
            || [&self.counters.parked, &self.counters.late].map(|n| n.load(Ordering::Relaxed));
        let [parked_before, late_before] = ended_in_rings();
        loop {
            if self.wanted.load(Ordering::Relaxed) {
                if !self.take_up(&mut served, now) {
                    break;
                }
                // Whoever has just come is waited for as long as the others were.
                now = start.elapsed();
                last = now;
                processor.worked(now);
            }
            let here = calls::processor();
            served.iter().for_each(|one| one.window.set_poller(Some(here), budget));
            let mut found = 0;
            for _ in 0..LOOKS {
                for one in &mut served {
                    if one.serve() {
                        Counters::count_alone(&self.counters.polled);
                        found += 1;
                        one.last = now;
                    }
                }
                core::hint::spin_loop();
            }
            now = start.elapsed();
            if found > 0 {
                last = now;
                calls = calls.saturating_add(found);
                processor.worked(now);
                let [parked, late] = ended_in_rings();
                if is_futile(calls, parked.wrapping_sub(parked_before), late.wrapping_sub(late_before)) {
                    calls = 0;
                    break;
                }
            } else if processor.tick(now) {
                Counters::count(&self.counters.preempted);
            }
            if now.saturating_sub(last) >= processor.patience(now, calls) {
                break;
            }
            served.retain(|one| now.saturating_sub(one.last) < FORGET || one.leave());
        }
        for one in &served {
            one.leave();
            one.thread.heat.lock().left(calls);
        }
        if self.heat.lock().left(calls) {
            Counters::count(&self.counters.in_vain);
        }
    }
}

impl Served {
    /// Tells the thread that nobody looks into its window any more. If it has posted something it will notice and ring. Returns false.
    fn leave(&self) -> bool {
        self.window.set_poller(None, 0);
        false
    }

    /// If there is a request, takes it and carries it out, up to where it waits.
    fn serve(&mut self) -> bool {
        let word = self.window.word();
        if word == self.seen || !word.is_posted() {
            return false;
        }
        self.seen = word;
        let mut found = false;
        delivery::receiving(|| found = self.thread.called_by_poll(&self.window));
        found
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

//! Who carries a system call through.
//!
//! Every thread of the sentry that calls into the kernel (a receiver of the platform, the timer thread, the host
//! poller, the control server) does so within a *turn*. A wake-up during a turn only puts the task in the turn's queue;
//! at the turn's end, with no locks held, the woken calls are polled, each by one thread at a time. So a write to a pipe completes the reader's call
//! on the writer's thread, without a context switch between threads of the sentry.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::task::{Context, Poll, Wake, Waker};

use abi::Errno;
use host::duty::{self, Duty};
use parking_lot::Mutex;

/// Something that can be polled: a task's parked call.
pub trait Run: Send + Sync {
    /// Polls it, once for all wake-ups so far.
    fn run(self: Arc<Self>);
}

/// What one thread's turn has woken.
struct Turn {
    /// How many turns have begun within each other.
    depth: usize,
    queue: VecDeque<Arc<dyn Run>>,
}

thread_local! {
    static TURN: RefCell<Turn> = const { RefCell::new(Turn { depth: 0, queue: VecDeque::new() }) };
}

/// Runs `f` as a turn, and then all that it woke. Within a turn it just runs `f`.
pub fn turn<R>(f: impl FnOnce() -> R) -> R {
    let end = EndOfTurn::begin();
    let result = f();
    drop(end);
    result
}

/// The first half of [`turn`]: what `f` woke runs in [`end_turn`].
pub(crate) fn begin_turn(f: impl FnOnce()) {
    let end = EndOfTurn::begin();
    f();
    std::mem::forget(end);
}

/// The second half.
pub(crate) fn end_turn() {
    drop(EndOfTurn);
}

/// Runs what was woken, also when the turn is cut short by a panic: it is for others.
struct EndOfTurn;

impl EndOfTurn {
    fn begin() -> Self {
        TURN.with_borrow_mut(|turn| turn.depth = turn.depth.saturating_add(1));
        Self
    }
}

impl Drop for EndOfTurn {
    fn drop(&mut self) {
        while let Some(next) = TURN.with_borrow_mut(Turn::next) {
            next.run();
        }
    }
}

impl Turn {
    /// The next to run, at the end of the outermost turn. The turn is over when there is none.
    fn next(&mut self) -> Option<Arc<dyn Run>> {
        let next = if self.depth <= 1 { self.queue.pop_front() } else { None };
        if next.is_none() {
            self.depth = self.depth.saturating_sub(1);
        }
        next
    }
}

/// The calling thread is about to wait in the middle of its turn: what it has woken so far, and what it does for others besides, goes to
/// another thread.
///
/// # Errors
/// `ENOMEM` if there can be no other thread.
pub(crate) fn step_aside() -> Result<(), Errno> {
    let woken = TURN.with_borrow_mut(|turn| std::mem::take(&mut turn.queue));
    if woken.is_empty() && !duty::is_on_duty() {
        return Ok(());
    }
    let woken = Arc::new(Mutex::new(woken));
    let first = Arc::clone(&woken);
    let run = move || {
        let woken = std::mem::take(&mut *first.lock());
        turn(|| woken.into_iter().for_each(Run::run));
    };
    duty::hand_over(run).inspect_err(|_| {
        let woken = std::mem::take(&mut *woken.lock());
        TURN.with_borrow_mut(|turn| turn.queue = woken);
    })
}

/// Has it run at the end of this turn, or on a thread of its own if this thread is in none.
fn submit(work: Arc<dyn Run>) {
    let outside = TURN.with_borrow_mut(|turn| {
        if turn.depth > 0 {
            turn.queue.push_back(work);
            None
        } else {
            Some(work)
        }
    });
    if let Some(work) = outside {
        stray(work);
    }
}

/// Wake-ups from threads that are in no turn. There should be none on a hot path.
fn stray(work: Arc<dyn Run>) {
    static SENDER: OnceLock<Mutex<mpsc::Sender<Arc<dyn Run>>>> = OnceLock::new();
    let sender = SENDER.get_or_init(|| {
        let (sender, receiver) = mpsc::channel::<Arc<dyn Run>>();
        let receiver = Mutex::new(receiver);
        let duty: Duty = Arc::new(move || {
            let next = receiver.lock().recv();
            let Ok(work) = next else { return ControlFlow::Break(()) };
            turn(|| work.run());
            ControlFlow::Continue(())
        });
        let body = move || duty::carry_out(duty);
        if let Err(error) = std::thread::Builder::new().name(String::from("stray")).spawn(body) {
            tracing::error!(%error, "no thread for stray wake-ups");
        }
        Mutex::new(sender)
    });
    let lost = sender.lock().send(work).is_err();
    if lost {
        tracing::error!("a wake-up was lost");
    }
}

const IDLE: u8 = 0;
const QUEUED: u8 = 1;
const RUNNING: u8 = 2;
const RUNNING_AGAIN: u8 = 3;

/// Makes sure that a call is polled by one thread at a time and that no wake-up is lost.
#[derive(Debug, Default)]
pub struct Schedule(AtomicU8);

impl Schedule {
    /// A wake-up: queues `work` unless it is queued or will be polled again anyway.
    pub fn wake(&self, work: impl FnOnce() -> Arc<dyn Run>) {
        let step = |state| match state {
            IDLE => Some(QUEUED),
            RUNNING => Some(RUNNING_AGAIN),
            _ => None,
        };
        if self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, step) == Ok(IDLE) {
            submit(work());
        }
    }

    /// Calls `poll` once for all wake-ups so far, and again for those that come meanwhile. If another thread is at it, that one polls again.
    pub fn run(&self, poll: impl FnMut()) {
        let enter = |state| match state {
            IDLE | QUEUED => Some(RUNNING),
            RUNNING => Some(RUNNING_AGAIN),
            _ => None,
        };
        if matches!(self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, enter), Ok(IDLE | QUEUED)) {
            self.poll_until_idle(poll);
        }
    }

    /// As [`Self::run`], but does nothing if another thread is at it.
    pub fn try_run(&self, poll: impl FnMut()) {
        let enter = |state| matches!(state, IDLE | QUEUED).then_some(RUNNING);
        if self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, enter).is_ok() {
            self.poll_until_idle(poll);
        }
    }

    fn poll_until_idle(&self, mut poll: impl FnMut()) {
        let finished = Finished(&self.0);
        loop {
            poll();
            if self.0.compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                std::mem::forget(finished);
                return;
            }
            self.0.store(RUNNING, Ordering::Release);
        }
    }
}

/// A poll that panics leaves its schedule usable: what is polled is to be ended by it.
struct Finished<'a>(&'a AtomicU8);

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        self.0.store(IDLE, Ordering::Release);
    }
}

/// Polls a future to its first rest: for tests and for handlers that never wait.
pub fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    struct Nobody;
    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }
    let waker = Waker::from(Arc::new(Nobody));
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::thread;

    use super::*;

    /// Notes at each poll which wake-ups it has seen.
    #[derive(Default)]
    struct Watcher {
        schedule: Schedule,
        woken: AtomicU64,
        seen: AtomicU64,
        busy: AtomicU8,
    }

    impl Watcher {
        fn wake(self: &Arc<Self>) {
            self.woken.fetch_add(1, Ordering::SeqCst);
            self.schedule.wake(|| Arc::clone(self) as Arc<dyn Run>);
        }
    }

    impl Run for Watcher {
        fn run(self: Arc<Self>) {
            self.schedule.run(|| {
                assert_eq!(self.busy.fetch_add(1, Ordering::SeqCst), 0, "polled by two threads at once");
                let woken = self.woken.load(Ordering::SeqCst);
                self.seen.fetch_max(woken, Ordering::SeqCst);
                self.busy.fetch_sub(1, Ordering::SeqCst);
            });
        }
    }

    #[test]
    fn every_wake_up_is_followed_by_a_poll() {
        for _ in 0..50 {
            let watcher = Arc::new(Watcher::default());
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let watcher = Arc::clone(&watcher);
                    thread::spawn(move || (0..500).for_each(|_| turn(|| watcher.wake())))
                })
                .collect();
            threads.into_iter().for_each(|t| t.join().unwrap());
            assert_eq!(watcher.seen.load(Ordering::SeqCst), 2000);
        }
    }

    #[test]
    fn a_wake_up_from_no_turn_is_polled_elsewhere() {
        let watcher = Arc::new(Watcher::default());
        watcher.wake();
        for _ in 0..5000 {
            if watcher.seen.load(Ordering::SeqCst) == 1 {
                return;
            }
            thread::sleep(std::time::Duration::from_millis(1));
        }
        panic!("nobody polled");
    }

    struct Panics(Schedule, AtomicU64);

    impl Run for Panics {
        fn run(self: Arc<Self>) {
            self.0.run(|| {
                assert_ne!(self.1.fetch_add(1, Ordering::SeqCst), 0, "on purpose");
            });
        }
    }

    #[test]
    fn a_panic_harms_only_who_panics() {
        let (watcher, bad) =
            (Arc::new(Watcher::default()), Arc::new(Panics(Schedule::default(), AtomicU64::new(0))));
        let caught = thread::spawn({
            let (watcher, bad) = (Arc::clone(&watcher), Arc::clone(&bad));
            move || {
                let run = || {
                    turn(|| {
                        watcher.wake();
                        Arc::clone(&bad).run();
                    })
                };
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
                assert!(TURN.with_borrow(|turn| turn.depth == 0), "the turn is over");
                result.is_err()
            }
        });
        assert!(caught.join().unwrap());
        assert_eq!(watcher.seen.load(Ordering::SeqCst), 1);
        Arc::clone(&bad).run();
        assert_eq!(bad.1.load(Ordering::SeqCst), 2, "it can be polled again");
    }
}

//! When somebody polls the windows of hot threads, and how long: all decisions in one place, and counters that show them.
//!
//! Waking another processor costs more than a whole system call by notification, so a poller pays only where calls come in quick
//! succession, and it must not take a processor from others for less than it gives. The figures are from docs/decisions/0005-fast-path.md.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Calls of a thread that are closer together than this make it want a poller.
const CLOSE: Duration = Duration::from_micros(80);
/// So many of them in a row.
const STREAK: u32 = 4;
/// A poller that is awake forgets a thread from which it has heard nothing for so long. Looking into one window more costs next to nothing, and a thread may
/// just be waiting for a processor.
pub(super) const FORGET: Duration = Duration::from_millis(50);
/// A poller goes to sleep when all windows have been empty for so long ...
const PATIENCE: Duration = Duration::from_micros(100);
/// ... or for so long if others want the processor: that is what a few calls cost without it ...
const PATIENCE_IF_CONTENDED: Duration = Duration::from_micros(20);
/// ... but not before it has been awake for so long without a call: the thread that wanted it is in one that came without it, and has yet to make its next.
const PATIENCE_AT_FIRST: Duration = Duration::from_micros(60);
/// A pause in the poller's own work that it has not made itself: somebody else was on its processor.
const PREEMPTED: Duration = Duration::from_micros(200);
/// How long the processor then counts as wanted.
const CONTENDED: Duration = Duration::from_millis(10);
/// A poller that has served fewer calls than this before it stopped has cost more than it gave.
const WORTHWHILE: u32 = 8;
/// A poller stops if so many calls, and a quarter of those that it has served, took longer than their threads wait: each of these spun, and was woken by a ring all the same. So
/// it is with calls that are messages to another process, which could have had the guest's processor meanwhile.
const LATE: u64 = 4;
/// It stops, too, if so many calls, and half of those that it has served, had to wait for something: their threads rang all the same, to sleep.
const WAITING: u64 = 8;
/// How often a thread can fail in a row to be worth a poller before the price is not raised any more.
const MOST_FAILURES: u32 = 9;
/// How many of them one success makes up for: two processes that wake each other have one now and then.
const FORGIVEN: u32 = 3;
/// How long a thread waits for a poller to take its request. A poller that runs takes it in a fraction of this.
pub(super) const SPIN: Duration = Duration::from_micros(20);

/// Whether a thread is worth a poller, or all threads of a sandbox together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heat {
    /// When its last call came without a poller.
    last: Option<Duration>,
    streak: u32,
    failures: u32,
}

impl Heat {
    /// A call has come without a poller. Returns whether the next should find one.
    pub(super) fn call(&mut self, now: Duration) -> bool {
        let close = self.last.is_some_and(|last| now.saturating_sub(last) < CLOSE);
        self.last = Some(now);
        // Among many close ones there is always one during which somebody else had the processor.
        self.streak = if close { self.streak.saturating_add(1) } else { self.streak / 2 };
        self.streak >= STREAK << self.failures
    }

    /// A poller that served it sleeps, after so many calls of all threads. Returns whether it was awake in vain.
    pub(super) fn left(&mut self, served: u32) -> bool {
        let in_vain = served < WORTHWHILE;
        (self.last, self.streak) = (None, 0);
        self.failures = if in_vain {
            (self.failures + 1).min(MOST_FAILURES)
        } else {
            self.failures.saturating_sub(FORGIVEN)
        };
        in_vain
    }
}

/// Whether a poller that has served so many calls since it woke has done harm: so many of them ended in a ring, and so many of these were late.
pub(super) fn is_futile(served: u32, parked: u64, late: u64) -> bool {
    let served = u64::from(served);
    (late >= LATE && late.saturating_mul(4) > served)
        || (parked >= WAITING && parked.saturating_mul(2) >= served)
}

/// What the poller knows about its own processor.
#[derive(Debug, Default)]
pub(super) struct Processor {
    last: Duration,
    contended_until: Duration,
}

impl Processor {
    /// The poller looks at the clock, and has done nothing that takes long since it last did. Returns whether somebody else has been on
    /// its processor meanwhile.
    pub(super) fn tick(&mut self, now: Duration) -> bool {
        let preempted = now.saturating_sub(self.last) > PREEMPTED;
        if preempted {
            self.contended_until = now + CONTENDED;
        }
        self.last = now;
        preempted
    }

    /// The poller has done something that may have taken long.
    pub(super) fn worked(&mut self, now: Duration) {
        self.last = now;
    }

    /// How long all windows may be empty before the poller goes to sleep, which has served so many calls.
    pub(super) fn patience(&self, now: Duration, served: u32) -> Duration {
        match (now < self.contended_until, served) {
            (false, _) => PATIENCE,
            (true, 0) => PATIENCE_AT_FIRST,
            (true, _) => PATIENCE_IF_CONTENDED,
        }
    }
}

/// A child that reports later than this after it was ordered had to wait for its parent, which went on working.
const AWAITED: Duration = Duration::from_micros(300);
/// So many births after it are left to the host, and twice as many each time, up to the most.
const FEWEST_APART: u32 = 4;
const MOST_APART: u32 = 256;

/// A thread that ends this soon after it has started beside who made it ends before that thread can have gone on elsewhere.
const BRIEF: Duration = Duration::from_micros(150);

/// Whether a thread that has lived for so long ends where who made it is likely to sleep still.
pub(super) fn is_brief(life: Duration) -> bool {
    life < BRIEF
}

/// Whether the children of a process start where their parents are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Births {
    /// Births to come that are left to the host.
    apart: u32,
    price: u32,
}

impl Births {
    /// A child is to be made. Returns whether it starts beside its parent.
    pub(super) fn beside(&mut self) -> bool {
        let beside = self.apart == 0;
        self.apart = self.apart.saturating_sub(1);
        beside
    }

    /// A child that started beside its parent has reported, so long after it was ordered.
    pub(super) fn reported(&mut self, after: Duration) {
        if after > AWAITED {
            self.price = (self.price * 2).clamp(FEWEST_APART, MOST_APART);
            self.apart = self.price;
        } else {
            self.price /= 2;
        }
    }
}

/// What the policy has decided so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Threads that have a window.
    pub(super) windows: AtomicU64,
    /// Calls through windows for which the stub rang.
    pub(super) rung: AtomicU64,
    /// Calls that a poller found.
    pub(super) polled: AtomicU64,
    /// Polled calls that took so long that the thread went to sleep.
    pub(super) parked: AtomicU64,
    /// Those of them that did not wait for anything: they took longer than the thread looks for their answer.
    pub(super) late: AtomicU64,
    /// How often a sleeping poller was woken.
    pub(super) starts: AtomicU64,
    /// How often a thread was taken up by a poller.
    pub(super) joins: AtomicU64,
    /// How often the poller was awake for next to nothing.
    pub(super) in_vain: AtomicU64,
    /// How often the poller lost its processor to somebody else.
    pub(super) preempted: AtomicU64,
    /// Microseconds that the poller was awake.
    pub(super) awake: AtomicU64,
    /// Threads and processes that were made.
    pub(super) births: AtomicU64,
    /// Those of them that started beside their parents.
    pub(super) births_beside: AtomicU64,
    /// Threads that ended so soon that who made them was expected to wait for it, and to go on there.
    pub(super) ends_beside: AtomicU64,
}

impl Counters {
    /// One more.
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// One more of what only the calling thread counts.
    pub(super) fn count_alone(counter: &AtomicU64) {
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// Names and values.
    pub(super) fn list(&self) -> Vec<(&'static str, u64)> {
        [
            ("windows", &self.windows),
            ("calls-rung", &self.rung),
            ("calls-polled", &self.polled),
            ("calls-parked", &self.parked),
            ("calls-late", &self.late),
            ("poller-starts", &self.starts),
            ("poller-joins", &self.joins),
            ("poller-starts-in-vain", &self.in_vain),
            ("poller-preempted", &self.preempted),
            ("poller-awake-us", &self.awake),
            ("births", &self.births),
            ("births-beside-parent", &self.births_beside),
            ("ends-beside-parent", &self.ends_beside),
        ]
        .map(|(name, value)| (name, value.load(Ordering::Relaxed)))
        .to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn us(n: u64) -> Duration {
        Duration::from_micros(n)
    }

    /// How many calls, this far apart, it takes.
    fn calls_until_hot(heat: &mut Heat, gap: u64) -> Option<u64> {
        (1..100_000).find(|n| heat.call(us(1_000_000 + n * gap)))
    }

    #[test]
    fn close_calls_make_a_thread_hot_and_distant_ones_do_not() {
        assert_eq!(calls_until_hot(&mut Heat::default(), 10), Some(5));
        assert_eq!(calls_until_hot(&mut Heat::default(), 79), Some(5));
        assert_eq!(calls_until_hot(&mut Heat::default(), 80), None);
    }

    #[test]
    fn a_thread_that_was_not_worth_it_pays_more_until_it_is() {
        let mut heat = Heat::default();
        assert!(heat.left(WORTHWHILE - 1));
        assert_eq!(calls_until_hot(&mut heat, 10), Some(9));
        for _ in 0..100 {
            heat.left(0);
        }
        assert_eq!(calls_until_hot(&mut heat, 10), Some(4 * 512 + 1));
        assert!(!heat.left(WORTHWHILE));
        assert_eq!(calls_until_hot(&mut heat, 10), Some(4 * 64 + 1));
        (0..2).for_each(|_| assert!(!heat.left(WORTHWHILE)));
        assert_eq!(calls_until_hot(&mut heat, 10), Some(5));
    }

    #[test]
    fn a_poller_whose_calls_take_long_is_futile() {
        assert!(!is_futile(3, 3, 3));
        assert!(is_futile(4, 4, 4) && is_futile(15, 4, 4));
        assert!(!is_futile(16, 4, 4) && !is_futile(1000, 200, 200));
        assert!(is_futile(16, 8, 0) && !is_futile(17, 8, 0) && !is_futile(14, 7, 0));
    }

    #[test]
    fn children_start_beside_parents_that_wait_for_them() {
        let mut births = Births::default();
        for _ in 0..10 {
            assert!(births.beside());
            births.reported(us(60));
        }
        let mut apart_after_each = |late: &[u64]| {
            late.iter().for_each(|after| {
                while !births.beside() {}
                births.reported(us(*after));
            });
            (0..10_000).take_while(|_| !births.beside()).count()
        };
        assert_eq!(apart_after_each(&[3000]), 4);
        assert_eq!(apart_after_each(&[3000; 2]), 16);
        assert_eq!(apart_after_each(&[3000; 20]), 256);
        assert_eq!(apart_after_each(&[60]), 0);
    }

    #[test]
    fn a_poller_that_lost_its_processor_is_less_patient_for_a_while() {
        let mut processor = Processor::default();
        processor.worked(us(1000));
        assert!(!processor.tick(us(1010)));
        assert_eq!(processor.patience(us(1010), 1), PATIENCE);
        assert!(processor.tick(us(4010)));
        assert_eq!(processor.patience(us(4010), 1), PATIENCE_IF_CONTENDED);
        assert_eq!(processor.patience(us(4010), 0), PATIENCE_AT_FIRST);
        processor.worked(us(9000));
        assert_eq!(processor.patience(us(14_010), 1), PATIENCE);
    }
}

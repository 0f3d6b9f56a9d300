//! A time on a clock, and how often it has passed: what interval timers, POSIX timers and timerfds have in common.

use std::time::Duration;

/// When a timer expires next, and its period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Schedule {
    /// The next expiry, in the timer's clock; nothing if it is not set.
    pub(super) next: Option<Duration>,
    /// Zero for a single shot.
    pub(super) interval: Duration,
}

impl Schedule {
    /// A timer that is set to expire at `value` (absolute) or `value` from `now`; zero turns it off.
    pub(super) fn new(value: Duration, interval: Duration, absolute: bool, now: Duration) -> Self {
        let next = match (value.is_zero(), absolute) {
            (true, _) => None,
            (false, true) => Some(value),
            (false, false) => Some(now.saturating_add(value)),
        };
        Self { next, interval }
    }

    /// Counts the expiries up to `now` and moves on to the one after. A single shot is off after its expiry.
    pub(super) fn expire(&mut self, now: Duration) -> u64 {
        let Some(next) = self.next.filter(|next| *next <= now) else { return 0 };
        if self.interval.is_zero() {
            self.next = None;
            return 1;
        }
        let late = now.saturating_sub(next).as_nanos();
        let period = self.interval.as_nanos();
        let more = u64::try_from(late / period).unwrap_or(u64::MAX);
        let count = more.saturating_add(1);
        // To the first expiry after now: what is left of the period that runs.
        let rest = u64::try_from(period - late % period).unwrap_or(u64::MAX);
        self.next = Some(now.saturating_add(Duration::from_nanos(rest)));
        count
    }

    /// Time left to the next expiry: never zero while the timer is set.
    pub(super) fn left(&self, now: Duration) -> Duration {
        match self.next {
            None => Duration::ZERO,
            Some(next) => next.saturating_sub(now).max(Duration::from_nanos(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn periods_do_not_drift() {
        let mut timer = Schedule::new(ms(10), ms(10), false, ms(100));
        assert_eq!(timer.expire(ms(109)), 0);
        assert_eq!(timer.expire(ms(113)), 1);
        assert_eq!(timer.next, Some(ms(120)));
        assert_eq!(timer.expire(ms(157)), 4);
        assert_eq!(timer.next, Some(ms(160)));
        assert_eq!(timer.left(ms(157)), ms(3));
    }

    #[test]
    fn a_single_shot_is_off_afterwards() {
        let mut timer = Schedule::new(ms(5), Duration::ZERO, true, ms(100));
        assert_eq!(timer.expire(ms(100)), 1);
        assert_eq!((timer.next, timer.left(ms(100))), (None, Duration::ZERO));
        assert_eq!(timer.expire(ms(200)), 0);
    }

    #[test]
    fn the_shortest_period_counts_without_overflow() {
        let mut timer = Schedule::new(Duration::from_nanos(1), Duration::from_nanos(1), true, Duration::ZERO);
        assert_eq!(timer.expire(Duration::from_secs(u64::MAX / 2)), u64::MAX);
    }
}

//! CPU time as something to wait for: it is looked at when it could have come.

use std::time::Duration;

/// How often at most: Linux looks at each tick of 250 a second.
pub(super) const TICK: Duration = Duration::from_millis(4);
/// How seldom an idle process is looked at, if what is waited for is nearer than that.
const IDLE: Duration = Duration::from_millis(64);

/// What was seen of a CPU clock so far: one that stands still is looked at less and less often.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch {
    seen: Option<Duration>,
    rest: Duration,
}

impl Watch {
    /// How long to wait before the next look at a clock that shows `now`, if `threads` threads drive it and it shall reach `at`.
    pub(super) fn pause(&mut self, now: Duration, at: Duration, threads: usize) -> Duration {
        let still = self.seen.replace(now) == Some(now);
        self.rest = if still { (self.rest * 2).clamp(TICK, IDLE) } else { Duration::ZERO };
        let left = at.saturating_sub(now);
        if left.is_zero() { left } else { earliest(left, threads).max(self.rest) }
    }
}

/// How long it takes at least until `threads` threads have used this much CPU time together.
fn earliest(left: Duration, threads: usize) -> Duration {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let together = u32::try_from(threads.clamp(1, cpus)).unwrap_or(1);
    (left / together).max(TICK)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn one_thread_uses_no_more_than_the_time_that_passes() {
        assert_eq!(Watch::default().pause(ms(500), ms(3500), 1), ms(3000));
        assert_eq!(Watch::default().pause(ms(5), ms(5), 1), Duration::ZERO);
        assert_eq!(Watch::default().pause(ms(5), ms(6), 9), TICK);
    }

    #[test]
    fn a_clock_that_stands_is_left_alone_until_it_moves() {
        let mut watch = Watch::default();
        let pauses: Vec<_> = (0..7).map(|_| watch.pause(ms(1), ms(11), 1).as_millis()).collect();
        assert_eq!(pauses, [10, 10, 10, 16, 32, 64, 64]);
        assert_eq!(watch.pause(ms(2), ms(11), 1), ms(9));
    }
}

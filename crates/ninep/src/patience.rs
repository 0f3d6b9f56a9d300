//! How one end of a connection waits for the other.
//!
//! Files are mostly asked for in bursts, and the other end answers within microseconds. To sleep meanwhile costs both ends more than that: waking an
//! idle processor takes 7 to 20 us of the waker's time, and another 20 until somebody runs there. So an end that is about to
//! wait looks for a while first, if its last waits were short. Whoever looks keeps others off its processor, maybe the very one that it waits for: so it is a
//! short while, it offers its processor to others after each look, and a while during which others could not or did not let it run has the next ones left out, twice as many each time.
//! Where both ends are on one processor, that is how they take turns, for less than it costs to sleep and be woken.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::RecvFlags;

/// How long an end looks before it sleeps. A wait that takes no longer is a short one.
const LOOK: Duration = Duration::from_micros(100);
/// What comes so soon after a look in vain has waited for the processor that was looked on.
const AT_ONCE: Duration = Duration::from_micros(30);
/// A pause between two looks that nobody has made: somebody else was on the processor.
const PREEMPTED: Duration = Duration::from_micros(200);
/// So many long waits in a row, each with a look in vain, until the next looks only after a short one.
const MOST_CREDIT: u32 = 4;
/// At most two to the power of this many waits are slept through after a look that was in the way.
const MOST_HARM: u32 = 8;

/// What an end has learned about its waits.
#[derive(Debug)]
pub struct Patience {
    /// How many looks in vain it can afford.
    credit: u32,
    /// Looks that were in somebody's way, in a row.
    harm: u32,
    /// So many waits are slept through now.
    leave_out: u32,
}

impl Default for Patience {
    /// A new end's, which looks once.
    fn default() -> Self {
        Self { credit: 1, harm: 0, leave_out: 0 }
    }
}

impl Patience {
    /// Receives from a socket by `attempt`, which is called with the flags of recv(2) and does not sleep: until it finds something.
    ///
    /// # Errors
    /// Those of `attempt` but `EAGAIN`, and `EINTR`.
    pub fn receive<T>(
        &mut self,
        socket: impl AsFd,
        mut attempt: impl FnMut(RecvFlags) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        // In poll(2), not in recv(2): there it would also be woken whenever the other end has taken a message and there is room for the next.
        let sleep = || poll(&mut [PollFd::new(&socket, PollFlags::IN)], None).map(drop);
        self.wait(Instant::now, || attempt(RecvFlags::DONTWAIT), sleep)
    }

    fn wait<T>(
        &mut self,
        now: impl Fn() -> Instant,
        mut attempt: impl FnMut() -> Result<T, Errno>,
        mut sleep: impl FnMut() -> Result<(), Errno>,
    ) -> Result<T, Errno> {
        let looks = self.leave_out == 0 && self.credit > 0;
        let start = now();
        let mut last = start;
        let mut preempted = false;
        while looks && last - start < LOOK {
            match attempt() {
                Err(Errno::AGAIN) => {}
                found => {
                    self.found(preempted);
                    return found;
                }
            }
            rustix::thread::sched_yield();
            let time = now();
            preempted |= time - last > PREEMPTED;
            last = time;
        }
        loop {
            sleep()?;
            match attempt() {
                Err(Errno::AGAIN) => {}
                found => {
                    self.slept(looks, preempted || now() - last < AT_ONCE, now() - start);
                    return found;
                }
            }
        }
    }

    fn was_short(&mut self) {
        self.credit = (self.credit + 1).min(MOST_CREDIT);
    }

    /// It looked, and there was something.
    fn found(&mut self, preempted: bool) {
        self.was_short();
        if !preempted {
            self.harm = 0;
        }
    }

    /// It slept, after a look in vain or without one.
    fn slept(&mut self, looked: bool, in_the_way: bool, for_so_long: Duration) {
        if !looked {
            self.leave_out = self.leave_out.saturating_sub(1);
            if for_so_long < LOOK {
                self.was_short();
            }
        } else if in_the_way {
            self.harm = (self.harm + 1).min(MOST_HARM);
            self.leave_out = (1 << self.harm) - 1;
        } else {
            self.credit -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// One wait for something that comes after `after` if it can. Each look takes 1 us, or what the first takes; who sleeps wakes up 20 us late. Returns whether there were looks.
    fn wait(patience: &mut Patience, after: u64, one_processor: bool, first_look: u64) -> bool {
        let start = Instant::now();
        let (time, slept, looks) = (Cell::new(0), Cell::new(false), Cell::new(0));
        let done = patience.wait(
            || start + Duration::from_micros(time.get()),
            || {
                let there = time.get() >= after && (!one_processor || slept.get());
                time.set(time.get() + if looks.get() == 0 { first_look } else { 1 });
                looks.set(looks.get() + 1);
                if there { Ok(7) } else { Err(Errno::AGAIN) }
            },
            || {
                slept.set(true);
                let comes = if one_processor { time.get() + after } else { after.max(time.get()) };
                time.set(comes + if one_processor { 0 } else { 20 });
                Ok(())
            },
        );
        assert_eq!(done, Ok(7));
        looks.get() > 1
    }

    fn looks_of(patience: &mut Patience, waits: u32, after: u64, one_processor: bool) -> u32 {
        (0..waits).map(|_| u32::from(wait(patience, after, one_processor, 1))).sum()
    }

    #[test]
    fn short_waits_are_looked_through() {
        let mut patience = Patience::default();
        assert_eq!(looks_of(&mut patience, 100, 15, false), 100);
        assert_eq!(looks_of(&mut patience, 100, 95, false), 100);
    }

    #[test]
    fn long_waits_are_slept_through_until_there_is_a_short_one() {
        let mut patience = Patience::default();
        assert_eq!(looks_of(&mut patience, 100, 5000, false), 1);
        assert_eq!(looks_of(&mut patience, 100, 40, false), 99);
        assert_eq!(looks_of(&mut patience, 100, 5000, false), MOST_CREDIT);
    }

    #[test]
    fn one_that_is_long_now_and_then_changes_nothing() {
        let mut patience = Patience::default();
        let looks: u32 =
            (0..100).map(|n| looks_of(&mut patience, 1, if n % 3 == 2 { 400 } else { 30 }, false)).sum();
        assert_eq!(looks, 100);
    }

    #[test]
    fn with_one_processor_looks_become_rare() {
        let mut patience = Patience::default();
        let looks = looks_of(&mut patience, 2000, 10, true);
        assert!(looks < 20, "{looks}");
    }

    #[test]
    fn where_others_want_the_processor_looks_become_rare() {
        let mut patience = Patience::default();
        let looks: u32 = (0..2000).map(|_| u32::from(wait(&mut patience, 5000, false, 4000))).sum();
        assert!(looks < 20, "{looks}");
    }
}

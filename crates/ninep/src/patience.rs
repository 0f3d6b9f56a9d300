//! How one end of a connection waits for the other.
//!
//! Files are mostly asked for in bursts, and the other end answers within microseconds: to sleep meanwhile costs both ends more than that, as
//! waking an idle processor takes 7 us of the waker's time and another 20 until somebody runs there. So an end that is about to
//! wait looks for a while first. Whoever looks keeps others off its processor, maybe the very one that it waits for: so it is a
//! short while, and one for which nothing came has the next ones left out, twice as many each time.

use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::RecvFlags;

/// How long an end looks before it sleeps.
const LOOK: Duration = Duration::from_micros(40);
/// Pauses of the processor between two looks: a look is a call to the host.
const PAUSES: u32 = 8;
/// At most two to the power of this many waits are slept through after a look that was in vain.
const MOST_FAILURES: u32 = 8;

/// What an end has learned about its waits.
#[derive(Debug, Default)]
pub struct Patience {
    /// Looks in vain, in a row.
    failures: u32,
    /// So many waits are slept through now.
    leave_out: u32,
}

impl Patience {
    /// A new end's.
    #[must_use]
    pub const fn new() -> Self {
        Self { failures: 0, leave_out: 0 }
    }

    /// Receives by `attempt`, which is called with the flags of recv(2): until it finds something, or sleeping in the end.
    ///
    /// # Errors
    /// Those of `attempt`.
    pub fn receive<T>(&mut self, mut attempt: impl FnMut(RecvFlags) -> Result<T, Errno>) -> Result<T, Errno> {
        if self.leave_out > 0 {
            self.leave_out -= 1;
            return attempt(RecvFlags::empty());
        }
        let start = Instant::now();
        loop {
            match attempt(RecvFlags::DONTWAIT) {
                Err(Errno::AGAIN) => {}
                found => {
                    self.failures = 0;
                    return found;
                }
            }
            if start.elapsed() >= LOOK {
                self.failures = (self.failures + 1).min(MOST_FAILURES);
                self.leave_out = (1 << self.failures) - 1;
                return attempt(RecvFlags::empty());
            }
            (0..PAUSES).for_each(|_| core::hint::spin_loop());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often a wait asked without sleeping, if nothing comes before it sleeps.
    fn looks_in_vain(patience: &mut Patience) -> usize {
        let mut looks = 0;
        let received = patience.receive(|flags| {
            if flags.contains(RecvFlags::DONTWAIT) {
                looks += 1;
                return Err(Errno::AGAIN);
            }
            Ok(7)
        });
        assert_eq!(received, Ok(7));
        looks
    }

    #[test]
    fn what_comes_soon_is_found_without_sleeping() {
        let mut left = 3;
        let found = Patience::new().receive(|flags| {
            assert!(flags.contains(RecvFlags::DONTWAIT));
            left -= 1;
            if left > 0 { Err(Errno::AGAIN) } else { Ok(left) }
        });
        assert_eq!(found, Ok(0));
    }

    #[test]
    fn looks_in_vain_become_rare_and_one_that_was_not_makes_them_frequent() {
        let mut patience = Patience::new();
        let mut looked = || (0..1000).filter(|_| looks_in_vain(&mut patience) > 0).count();
        assert!(looked() < 12);
        patience.leave_out = 0;
        assert_eq!(patience.receive(|_| Ok(1)), Ok(1));
        assert!(looks_in_vain(&mut patience) > 0);
    }
}

//! `RLIMIT_CPU`: SIGXCPU at the soft limit and at every second after it, SIGKILL at the hard one (setrlimit(2)).

use std::sync::{Arc, Weak};
use std::time::Duration;

use abi::signal::{Siginfo, Signal};
use parking_lot::Mutex;
use vfs::{Events, Listener};

use super::clock::CpuTime;
use super::cpu::Watch;
use super::{Clock, Timer};
use crate::limits::{INFINITY, Limit, Resource};
use crate::{ThreadGroup, signal};

/// The look at a process's CPU time that is due next.
#[derive(Default)]
pub(super) struct CpuLimit(Mutex<State>);

#[derive(Default)]
struct State {
    watch: Watch,
    alarm: Option<Timer>,
}

impl CpuLimit {
    /// Looks no more.
    pub(super) fn clear(&self) {
        let old = std::mem::take(&mut *self.0.lock());
        drop(old);
    }
}

/// What a limit says to a process that has used `used`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing before this time.
    Until(Duration),
    /// SIGXCPU, and the soft limit becomes this many seconds: as on Linux, getrlimit(2) tells it.
    Warn(u64),
    /// SIGKILL.
    Kill,
}

/// As Linux has it: without a soft limit the hard one does not count.
fn judge(limit: Limit, used: Duration) -> Option<Verdict> {
    if limit.soft == INFINITY {
        return None;
    }
    let (soft, hard) = (Duration::from_secs(limit.soft), Duration::from_secs(limit.hard));
    Some(match used {
        used if used >= hard => Verdict::Kill,
        used if used >= soft => Verdict::Warn(limit.soft.saturating_add(1)),
        _ => Verdict::Until(soft.min(hard)),
    })
}

/// Watches a process from now on, if it has a limit. To be called for each new process and after each change of the limit.
pub fn watch(group: &Arc<ThreadGroup>) {
    let limit = group.limits.lock().get(Resource::Cpu);
    let timers = &group.signals.timers;
    if limit.soft == INFINITY {
        timers.cpu_limit.clear();
        return;
    }
    let clock = Clock::Process(Arc::clone(group), CpuTime::All);
    let at = Duration::from_secs(limit.soft.min(limit.hard));
    let mut state = timers.cpu_limit.0.lock();
    let due = clock.instant(at, &mut state.watch);
    let next = due.map(|due| group.kernel.timers.add(due, Arc::new(Look(Arc::downgrade(group)))));
    let old = std::mem::replace(&mut state.alarm, next);
    drop(state);
    drop(old);
}

/// The time may have come.
struct Look(Weak<ThreadGroup>);

impl Listener for Look {
    fn notify(&self, _: Events) {
        let Some(group) = self.0.upgrade() else { return };
        if group.exiting().is_some() {
            return;
        }
        let used = Clock::Process(Arc::clone(&group), CpuTime::All).now();
        let verdict = {
            let mut limits = group.limits.lock();
            let limit = limits.get(Resource::Cpu);
            let verdict = judge(limit, used);
            if let Some(Verdict::Warn(soft)) = verdict {
                limits.set(Resource::Cpu, Limit::new(soft, limit.hard));
            }
            verdict
        };
        match verdict {
            Some(Verdict::Kill) => {
                tracing::debug!(pid = group.pid, "the hard limit of CPU time is reached");
                signal::send_to_group(&group, Siginfo::kernel(Signal::SIGKILL));
                return;
            }
            Some(Verdict::Warn(_)) => signal::send_to_group(&group, Siginfo::kernel(Signal::SIGXCPU)),
            Some(Verdict::Until(_)) | None => {}
        }
        watch(&group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn the_soft_limit_warns_each_second_and_the_hard_one_kills() {
        let limit = Limit::new(2, 4);
        assert_eq!(judge(limit, s(1)), Some(Verdict::Until(s(2))));
        assert_eq!(judge(limit, s(2)), Some(Verdict::Warn(3)));
        assert_eq!(judge(Limit::new(3, 4), s(2)), Some(Verdict::Until(s(3))));
        assert_eq!(judge(Limit::new(3, 4), s(4)), Some(Verdict::Kill));
        assert_eq!(judge(Limit::new(0, 0), s(0)), Some(Verdict::Kill));
    }

    #[test]
    fn without_a_soft_limit_nothing_is_watched() {
        assert_eq!(judge(Limit::new(INFINITY, 1), s(9)), None);
        assert_eq!(judge(Limit::new(2, INFINITY), s(9)), Some(Verdict::Warn(3)));
    }
}

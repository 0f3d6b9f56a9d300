//! How much processor time a group may have in a period: `cpu.max`.
//!
//! The group's consumption is looked at as often as it could be used up, and when it is the group's tasks are stopped until the period is over. What was
//! used beyond it in the meantime is taken off the next periods, so that over several of them the limit is exact.

use std::time::{Duration, Instant};

use super::tasks::{Look, hold};
use super::{GroupId, Tree};
use crate::Kernel;

/// The shortest time in which a limit is held: shorter periods are taken together.
const SHORTEST: Duration = Duration::from_millis(20);
/// How often consumption is looked at, at most.
const OFTEN: Duration = Duration::from_millis(1);

/// A group's bandwidth.
#[derive(Clone, Copy, Debug)]
pub struct Bandwidth {
    /// The processor time that it may have in each period; nothing for any amount.
    pub quota: Option<Duration>,
    /// The period.
    pub period: Duration,
    /// Periods that have passed.
    pub periods: u64,
    /// Those in which it was stopped.
    pub stops: u64,
    /// How long it was stopped.
    pub stopped: Duration,
    /// Since when it is stopped, if it is.
    pub since: Option<Instant>,
    /// The period that runs.
    window: Option<Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    begun: Instant,
    /// What had been used before.
    used: Duration,
    /// What was used too much before.
    debt: Duration,
}

impl Default for Bandwidth {
    fn default() -> Self {
        Self {
            quota: None,
            period: Self::PERIOD,
            periods: 0,
            stops: 0,
            stopped: Duration::ZERO,
            since: None,
            window: None,
        }
    }
}

impl Bandwidth {
    /// Linux's usual period.
    pub const PERIOD: Duration = Duration::from_millis(100);

    /// Without what it was set to. If the group is stopped, whoever looks after it lets it go on.
    pub(super) fn forgotten(self) -> Self {
        Self { since: self.since, ..Self::default() }
    }

    /// Looks at what has been used in all by now, on so many processors. When to look again; nothing without a limit.
    fn look(&mut self, now: Instant, used: Duration, processors: u32) -> Option<Duration> {
        let Some(quota) = self.quota else {
            self.window = None;
            self.go_on(now);
            return None;
        };
        // Short periods are held together.
        let together =
            u32::try_from(SHORTEST.as_nanos().div_ceil(self.period.as_nanos().max(1))).unwrap_or(1);
        let (quota, period) = (quota.saturating_mul(together), self.period.saturating_mul(together));
        let mut window = *self.window.get_or_insert(Window { begun: now, used, debt: Duration::ZERO });
        let passed = now.saturating_duration_since(window.begun);
        if passed >= period {
            let whole = u32::try_from(passed.as_nanos() / period.as_nanos().max(1)).unwrap_or(u32::MAX);
            self.periods = self.periods.saturating_add(u64::from(whole.saturating_mul(together)));
            let taken = used.saturating_sub(window.used).saturating_add(window.debt);
            window = Window { begun: now, used, debt: taken.saturating_sub(quota.saturating_mul(whole)) };
        }
        let taken = used.saturating_sub(window.used).saturating_add(window.debt);
        self.window = Some(window);
        let left = window.begun + period - now;
        if taken >= quota {
            if self.since.is_none() {
                self.since = Some(now);
                self.stops = self.stops.saturating_add(1);
            }
            return Some(left);
        }
        self.go_on(now);
        Some((quota.saturating_sub(taken) / processors.max(1)).max(OFTEN).min(left))
    }

    fn go_on(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.stopped = self.stopped.saturating_add(now.saturating_duration_since(since));
        }
    }
}

/// A round of the supervisor.
pub(super) fn look(kernel: &Kernel, id: GroupId) -> Option<Duration> {
    let used = kernel.used_by(id);
    let used = used.user.saturating_add(used.system);
    let processors = u32::try_from(host::machine::processors()).unwrap_or(1);
    let (again, look) = kernel.control_groups.with(|tree| {
        let group = tree.group_mut(id)?;
        let populated = group.is_populated();
        let before = group.cpu.since.is_some();
        let again = group.cpu.look(Instant::now(), used, processors);
        let after = group.cpu.since.is_some();
        let look = if before == after { Look::default() } else { hold_all(kernel, tree, id) };
        // Who comes into an empty group has it looked at again.
        Some((again.filter(|_| populated || after), look))
    })?;
    look.take();
    again
}

fn hold_all(kernel: &Kernel, tree: &Tree, id: GroupId) -> Look {
    let mut look = Look::default();
    for (_, task) in kernel.tasks_in(&tree.downward(id)) {
        hold(tree, task, &mut look);
    }
    look
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_group_stops_for_the_rest_of_its_period_and_pays_what_it_took_too_much() {
        let start = Instant::now();
        let mut cpu = Bandwidth { quota: Some(MS * 20), ..Bandwidth::default() };
        assert_eq!(cpu.look(start, MS * 500, 2), Some(MS * 10));
        assert_eq!(cpu.look(start + MS * 10, MS * 515, 2), Some(MS * 5 / 2));
        assert_eq!((cpu.look(start + MS * 15, MS * 530, 2), cpu.stops), (Some(MS * 85), 1));
        // Ten too many: half of the next quota is left.
        assert_eq!((cpu.look(start + MS * 100, MS * 530, 2), cpu.since), (Some(MS * 5), None));
        assert_eq!((cpu.periods, cpu.stopped), (1, MS * 85));
        // Nothing is saved up.
        assert_eq!(cpu.look(start + MS * 1000, MS * 530, 2), Some(MS * 10));
        assert_eq!(cpu.periods, 10);
        cpu.quota = None;
        assert_eq!(cpu.look(start + MS * 1001, MS * 900, 2), None);
    }

    #[test]
    fn short_periods_are_held_together() {
        let start = Instant::now();
        let mut cpu = Bandwidth { quota: Some(MS), period: MS * 2, ..Bandwidth::default() };
        assert_eq!(cpu.look(start, MS, 1), Some(MS * 10));
        assert_eq!((cpu.look(start + MS * 10, MS * 11, 1), cpu.stops), (Some(MS * 10), 1));
        assert_eq!((cpu.look(start + MS * 20, MS * 11, 1), cpu.periods), (Some(MS * 10), 10));
    }
}

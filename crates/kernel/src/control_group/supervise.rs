//! Limits that are held by looking: a thread of the sentry comes round to each group that has one, as often as the group asks for.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use host::duty::{self, Duty};
use parking_lot::{Condvar, Mutex};

use super::GroupId;
use crate::{Kernel, executor};

/// What is done for a group each time. When to come again; nothing if it need not be looked at until it is asked for again.
type Look = fn(&Kernel, GroupId) -> Option<Duration>;

/// Of its time the thread rests so many times as long as it works: a guest can have many groups.
const REST: u32 = 4;

/// See the module.
pub(super) struct Supervisor {
    name: &'static str,
    look: Look,
    round: Mutex<Round>,
    changed: Condvar,
}

#[derive(Default)]
struct Round {
    due: BTreeSet<(Instant, GroupId)>,
    when: HashMap<GroupId, Instant>,
    started: bool,
}

impl Round {
    fn put(&mut self, id: GroupId, at: Instant) {
        if let Some(before) = self.when.insert(id, at) {
            self.due.remove(&(before, id));
        }
        self.due.insert((at, id));
    }

    fn take_due(&mut self, now: Instant) -> Option<GroupId> {
        let first = self.due.first().copied().filter(|(at, _)| *at <= now)?;
        self.due.remove(&first);
        self.when.remove(&first.1);
        Some(first.1)
    }
}

impl Supervisor {
    pub(super) fn new(name: &'static str, look: Look) -> Arc<Self> {
        Arc::new(Self { name, look, round: Mutex::default(), changed: Condvar::new() })
    }

    /// Has a group looked at now, and from then on.
    pub(super) fn ask(self: &Arc<Self>, kernel: &Weak<Kernel>, id: GroupId) {
        let mut round = self.round.lock();
        round.put(id, Instant::now());
        if !std::mem::replace(&mut round.started, true) {
            let (this, kernel) = (Arc::clone(self), Weak::clone(kernel));
            let duty: Duty = Arc::new(move || this.serve(&kernel));
            if let Err(error) = duty::start(self.name, duty) {
                tracing::error!(%error, "no thread for the limits of control groups");
                round.started = false;
            }
        }
        drop(round);
        self.changed.notify_one();
    }

    /// One round of the thread: waits for the next group, and looks at it.
    fn serve(&self, kernel: &Weak<Kernel>) -> ControlFlow<()> {
        let mut round = self.round.lock();
        let id = loop {
            if let Some(id) = round.take_due(Instant::now()) {
                break id;
            }
            match round.due.first().map(|(at, _)| *at) {
                Some(at) => drop(self.changed.wait_until(&mut round, at)),
                None => self.changed.wait(&mut round),
            }
        };
        drop(round);
        let Some(kernel) = kernel.upgrade() else { return ControlFlow::Break(()) };
        let begun = Instant::now();
        let again = executor::turn(|| (self.look)(&kernel, id));
        drop(kernel);
        let now = Instant::now();
        if let Some(again) = again {
            let mut round = self.round.lock();
            if !round.when.contains_key(&id) {
                round.put(id, now + again);
            }
        }
        std::thread::sleep(now.duration_since(begun).saturating_mul(REST));
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_in_their_order_and_once() {
        let mut round = Round::default();
        let now = Instant::now();
        let at = |ms| now + Duration::from_millis(ms);
        round.put(GroupId(1), at(30));
        round.put(GroupId(2), at(10));
        round.put(GroupId(1), at(5));
        assert_eq!(round.take_due(at(4)), None);
        assert_eq!(round.take_due(at(40)), Some(GroupId(1)));
        assert_eq!(round.take_due(at(40)), Some(GroupId(2)));
        assert_eq!(round.take_due(at(40)), None);
    }
}

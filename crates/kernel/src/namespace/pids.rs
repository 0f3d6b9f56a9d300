//! Pid namespaces: pid_namespaces(7).
//!
//! Inside the kernel every process and thread has one number, the one that it has in the initial pid namespace: groups, sessions, parents
//! and owners of locks are such numbers. A namespace below gives those in it, and in the ones below it, further numbers. They are
//! translated where they come from a guest or go to one, with the namespace that the guest was born in.

use std::collections::HashMap;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::user::{Charge, Counted};
use vfs::{Credentials, UserNamespace};

use crate::pids::{Ended, INIT, PID_MAX};
use crate::{Task, ThreadGroup};

/// How deep namespaces may lie in each other.
const LEVELS: u32 = 32;
/// Numbers below this are not given out again.
const KEPT: i32 = 300;

/// A pid namespace.
pub struct Pids {
    /// Unique among the namespaces, 1 for the first.
    pub id: u64,
    /// The one that it was made in; nothing for the initial one.
    pub parent: Option<Arc<Self>>,
    /// How many are above it.
    pub level: u32,
    /// Whose it is.
    pub user: Arc<UserNamespace>,
    _charge: Option<Charge>,
    state: Mutex<State>,
}

/// The numbers of a namespace that is not the initial one.
#[derive(Default)]
struct State {
    /// Its numbers, by those of the initial one.
    inward: HashMap<i32, i32>,
    /// The numbers of the initial one, by its own.
    outward: HashMap<i32, i32>,
    last: i32,
    /// Its first process, which adopts orphans and takes all others with it.
    init: i32,
    /// The first process is ending: there will be no others.
    ended: bool,
    /// The first process has ended, and waits for the others to be gone.
    waiting: Option<(Arc<ThreadGroup>, Ended)>,
}

impl Pids {
    /// The one that all others lie in.
    pub(super) fn first() -> Arc<Self> {
        let user = UserNamespace::initial();
        Arc::new(Self { id: 1, parent: None, level: 0, user, _charge: None, state: Mutex::default() })
    }

    /// A namespace without processes.
    ///
    /// # Errors
    /// `EINVAL` if it would belong to a user namespace that the present one's does not lie above, `ENOSPC` for too many, or too deep.
    pub(super) fn below(self: &Arc<Self>, id: u64, maker: &Credentials) -> Result<Arc<Self>, Errno> {
        if !maker.user.is_within(&self.user) {
            return Err(Errno::EINVAL);
        }
        let level = self.level.saturating_add(1);
        if level > LEVELS {
            return Err(Errno::ENOSPC);
        }
        let charge = Charge::take(&maker.user, maker.euid, Counted::Pid)?;
        let (parent, user) = (Some(Arc::clone(self)), Arc::clone(&maker.user));
        Ok(Arc::new(Self { id, parent, level, user, _charge: Some(charge), state: Mutex::default() }))
    }

    /// Whether it is the initial one.
    #[must_use]
    pub const fn is_initial(&self) -> bool {
        self.parent.is_none()
    }

    /// It and those above it, but for the initial one.
    pub fn upward(self: &Arc<Self>) -> impl Iterator<Item = &Arc<Self>> {
        std::iter::successors(Some(self), |at| at.parent.as_ref()).filter(|at| !at.is_initial())
    }

    /// Whether it is `above` or lies below it.
    #[must_use]
    pub fn is_within(self: &Arc<Self>, above: &Self) -> bool {
        above.is_initial() || self.upward().any(|at| at.id == above.id)
    }

    /// The number here of a process, thread, group or session.
    #[must_use]
    pub fn number(&self, id: i32) -> Option<i32> {
        if self.is_initial() { Some(id) } else { self.state.lock().inward.get(&id).copied() }
    }

    /// The number here, or 0 for what is not in the namespace.
    #[must_use]
    pub fn shown(&self, id: i32) -> i32 {
        self.number(id).unwrap_or(0)
    }

    /// What has a number here.
    #[must_use]
    pub fn known(&self, number: i32) -> Option<i32> {
        if self.is_initial() { Some(number) } else { self.state.lock().outward.get(&number).copied() }
    }

    /// The first process.
    #[must_use]
    pub fn init(&self) -> i32 {
        if self.is_initial() { INIT } else { self.state.lock().init }
    }

    /// Whether there will be no more processes.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.state.lock().ended
    }

    /// Gives what has a number in the initial namespace one here: the next free one, or the one that is wanted.
    ///
    /// # Errors
    /// `ENOMEM` after the end of the first process, `EEXIST` for a number that is taken, `EINVAL` for another than 1 at first, `EAGAIN`.
    pub(crate) fn take(&self, id: i32, wanted: Option<i32>) -> Result<(), Errno> {
        let mut state = self.state.lock();
        if state.ended {
            return Err(Errno::ENOMEM);
        }
        let number = match wanted {
            Some(number) if state.init == 0 && number != INIT => return Err(Errno::EINVAL),
            Some(number) if state.outward.contains_key(&number) => return Err(Errno::EEXIST),
            Some(number) => number,
            None => {
                let number = state.next().ok_or(Errno::EAGAIN)?;
                state.last = number;
                number
            }
        };
        if state.init == 0 {
            state.init = id;
            state.last = state.last.max(number);
        }
        state.inward.insert(id, number);
        state.outward.insert(number, id);
        Ok(())
    }

    /// What had a number here has none any longer.
    pub(crate) fn forget(&self, id: i32) {
        let mut state = self.state.lock();
        if let Some(number) = state.inward.remove(&id) {
            state.outward.remove(&number);
        }
    }

    /// The first process ends, and waits for the others.
    pub(crate) fn end_after_others(&self, init: &Arc<ThreadGroup>, ended: Ended) {
        let mut state = self.state.lock();
        state.ended = true;
        state.waiting = Some((Arc::clone(init), ended));
    }

    /// The first process, if it waits for the others to be gone. Once.
    pub(crate) fn waiting_init(&self) -> Option<(Arc<ThreadGroup>, Ended)> {
        self.state.lock().waiting.take()
    }
}

impl State {
    fn next(&self) -> Option<i32> {
        let after = |number: i32| if number.saturating_add(1) >= PID_MAX { KEPT } else { number + 1 };
        let mut number = after(self.last);
        while self.outward.contains_key(&number) {
            if number == self.last {
                return None;
            }
            number = after(number);
        }
        Some(number)
    }
}

impl ThreadGroup {
    /// Whether it is the first process of a pid namespace.
    #[must_use]
    pub fn is_init(&self) -> bool {
        self.pids.init() == self.pid
    }
}

impl Task {
    /// The pid namespace that it was born in.
    #[must_use]
    pub fn pids(&self) -> &Arc<Pids> {
        &self.group.pids
    }

    /// Its thread id, as it knows it itself.
    #[must_use]
    pub fn own_tid(&self) -> i32 {
        self.pids().shown(self.tid())
    }

    /// Its process id, as it knows it itself.
    #[must_use]
    pub fn own_pid(&self) -> i32 {
        self.pids().shown(self.pid())
    }

    /// The number that the kernel knows something by that has a number in the task's pid namespace.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn known_id(&self, number: i32) -> Result<i32, Errno> {
        self.pids().known(number).ok_or(Errno::ESRCH)
    }

    /// The living thread that has a number in its pid namespace.
    #[must_use]
    pub fn task_of(&self, number: i32) -> Option<Arc<Self>> {
        self.kernel.task(self.pids().known(number)?)
    }

    /// The process that has a number in its pid namespace, zombies too.
    #[must_use]
    pub fn group_of(&self, number: i32) -> Option<Arc<ThreadGroup>> {
        self.kernel.group(self.pids().known(number)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vfs::CapabilitySet;

    #[test]
    fn numbers_count_from_one_on_each_level() {
        let root = Credentials::root(CapabilitySet::FULL);
        let first = Pids::first();
        let outer = first.below(2, &root).unwrap();
        let inner = outer.below(3, &root).unwrap();
        outer.take(40, None).unwrap();
        for (id, wanted) in [(50, None), (60, Some(9)), (70, None)] {
            outer.take(id, None).unwrap();
            inner.take(id, wanted).unwrap();
        }
        assert_eq!([40, 50, 60, 70].map(|id| outer.shown(id)), [1, 2, 3, 4]);
        assert_eq!([40, 50, 60, 70].map(|id| inner.shown(id)), [0, 1, 9, 2]);
        assert_eq!((inner.known(9), inner.known(3), first.known(40)), (Some(60), None, Some(40)));
        assert_eq!((inner.init(), outer.init(), first.init()), (50, 40, INIT));
        inner.forget(60);
        assert_eq!(inner.known(9), None);
        assert_eq!(inner.take(80, Some(1)), Err(Errno::EEXIST));
        assert!(inner.is_within(&outer) && !outer.is_within(&inner) && inner.is_within(&first));
    }

    #[test]
    fn the_first_number_is_one() {
        let root = Credentials::root(CapabilitySet::FULL);
        let pids = Pids::first().below(2, &root).unwrap();
        assert_eq!(pids.take(40, Some(2)), Err(Errno::EINVAL));
        assert_eq!(pids.take(40, Some(1)), Ok(()));
        assert_eq!(pids.take(41, Some(2)), Ok(()));
        assert_eq!(pids.take(42, None), Ok(()));
        assert_eq!(pids.shown(42), 3);
    }
}

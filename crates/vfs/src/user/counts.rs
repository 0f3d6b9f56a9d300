//! How many namespaces each user has made: `/proc/sys/user/max_*_namespaces`.

use std::collections::HashMap;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;

use super::UserNamespace;

/// What is counted, in the order of the names of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the kinds of namespaces(7)")]
pub enum Counted {
    Cgroup,
    Ipc,
    Mount,
    Network,
    Pid,
    Time,
    User,
    Uts,
}

const KINDS: usize = 8;
/// What the initial user namespace allows each user, of each kind.
const MOST: i32 = 16_384;

/// The counts and limits of a user namespace.
pub(super) struct Counts {
    state: Mutex<State>,
}

struct State {
    made: HashMap<(u32, Counted), i32>,
    most: [i32; KINDS],
}

impl Counts {
    pub(super) fn initial() -> Self {
        Self { state: Mutex::new(State { made: HashMap::new(), most: [MOST; KINDS] }) }
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self { state: Mutex::new(State { made: HashMap::new(), most: [i32::MAX; KINDS] }) }
    }
}

impl Counts {
    fn add(&self, user: u32, kind: Counted) -> Result<(), Errno> {
        let mut state = self.state.lock();
        let most = state.most.get(kind as usize).copied().unwrap_or_default();
        let made = state.made.get(&(user, kind)).copied().unwrap_or_default();
        if made >= most {
            return Err(Errno::ENOSPC);
        }
        state.made.insert((user, kind), made.saturating_add(1));
        Ok(())
    }

    fn remove(&self, user: u32, kind: Counted) {
        let mut state = self.state.lock();
        match state.made.get_mut(&(user, kind)) {
            Some(made) if *made > 1 => *made = made.saturating_sub(1),
            _ => drop(state.made.remove(&(user, kind))),
        }
    }
}

/// A namespace that counts, until this is dropped: for its maker, for the owner of the user namespace that this was made in, and so on up.
pub struct Charge {
    user: Arc<UserNamespace>,
    uid: u32,
    kind: Counted,
}

impl Charge {
    /// Counts a namespace that a user makes in a user namespace.
    ///
    /// # Errors
    /// `ENOSPC` if there are as many as there may be.
    pub fn take(user: &Arc<UserNamespace>, uid: u32, kind: Counted) -> Result<Self, Errno> {
        let mut counted = Vec::new();
        for (at, uid) in upward(user, uid) {
            if let Err(errno) = at.counts.add(uid, kind) {
                counted.iter().for_each(|(at, uid): &(&UserNamespace, u32)| at.counts.remove(*uid, kind));
                return Err(errno);
            }
            counted.push((at, uid));
        }
        Ok(Self { user: Arc::clone(user), uid, kind })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        upward(&self.user, self.uid).for_each(|(at, uid)| at.counts.remove(uid, self.kind));
    }
}

/// A user in a namespace, the owner of that in the one above, and so on.
fn upward(user: &UserNamespace, uid: u32) -> impl Iterator<Item = (&UserNamespace, u32)> {
    std::iter::successors(Some((user, uid)), |(at, _)| Some((at.parent.as_deref()?, at.owner)))
}

impl UserNamespace {
    /// How many namespaces of a kind each user may make here.
    #[must_use]
    pub fn most(&self, kind: Counted) -> i32 {
        self.counts.state.lock().most.get(kind as usize).copied().unwrap_or_default()
    }

    /// Says how many namespaces of a kind each user may make here.
    pub fn set_most(&self, kind: Counted, most: i32) {
        if let Some(slot) = self.counts.state.lock().most.get_mut(kind as usize) {
            *slot = most;
        }
    }
}

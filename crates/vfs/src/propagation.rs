//! Who hears of whose mounts: peer groups, masters and slaves, as mount_namespaces(7) has them.
//!
//! All of it stands under one lock, the last that anybody takes: a mount leaves its group wherever its last user lets it go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::mount::Mount;

/// What one mount is to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Propagation {
    /// Its peer group (`shared:N` in mountinfo).
    pub group: Option<u64>,
    /// The group whose events it receives (`master:N`).
    pub master: Option<u64>,
    /// It cannot be bind mounted.
    pub unbindable: bool,
}

/// What mount(2) makes of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropagationType {
    /// `MS_SHARED`.
    Shared,
    /// `MS_SLAVE`.
    Slave,
    /// `MS_PRIVATE`.
    Private,
    /// `MS_UNBINDABLE`.
    Unbindable,
}

type Mounts = BTreeMap<u64, Weak<Mount>>;

/// The members of a group, and the mounts that follow it with what they are themselves.
pub(crate) type Receivers = (Vec<Arc<Mount>>, Vec<(Arc<Mount>, Propagation)>);

#[derive(Default)]
struct Group {
    members: Mounts,
    slaves: Mounts,
}

/// All peer groups by their number, and what each mount is to them by its id. Who is not listed is private.
struct Registry {
    groups: BTreeMap<u64, Group>,
    states: BTreeMap<u64, Propagation>,
    next: u64,
}

static REGISTRY: Mutex<Registry> =
    Mutex::new(Registry { groups: BTreeMap::new(), states: BTreeMap::new(), next: 1 });

impl Registry {
    fn state(&self, mount: u64) -> Propagation {
        self.states.get(&mount).copied().unwrap_or_default()
    }

    fn set(&mut self, mount: u64, state: Propagation) {
        if state == Propagation::default() {
            self.states.remove(&mount);
        } else {
            self.states.insert(mount, state);
        }
    }

    fn share(&mut self, mount: &Arc<Mount>) {
        let mut state = self.state(mount.id);
        state.unbindable = false;
        if state.group.is_none() {
            let id = self.next;
            self.next = id.saturating_add(1);
            self.groups.insert(id, Group::default());
            self.join(id, mount);
            state.group = Some(id);
        }
        self.set(mount.id, state);
    }

    fn join(&mut self, group: u64, mount: &Arc<Mount>) {
        if let Some(group) = self.groups.get_mut(&group) {
            group.members.insert(mount.id, Arc::downgrade(mount));
        }
    }

    fn follow(&mut self, group: u64, mount: u64, reference: Weak<Mount>) {
        if let Some(group) = self.groups.get_mut(&group) {
            group.slaves.insert(mount, reference);
        }
    }

    fn unfollow(&mut self, mount: u64, state: &mut Propagation) {
        if let Some(group) = state.master.take().and_then(|master| self.groups.get_mut(&master)) {
            group.slaves.remove(&mount);
        }
    }

    /// Takes a mount out of its group. Returns the group if it has other members. The slaves of a group that ends follow what its last
    /// member followed.
    fn leave(&mut self, mount: u64, state: &mut Propagation) -> Option<u64> {
        let number = state.group.take()?;
        let group = self.groups.get_mut(&number)?;
        group.members.remove(&mount);
        if !group.members.is_empty() {
            return Some(number);
        }
        let slaves = self.groups.remove(&number)?.slaves;
        for (slave, reference) in slaves {
            let heir = Propagation { master: state.master, ..self.state(slave) };
            self.set(slave, heir);
            if let Some(master) = state.master {
                self.follow(master, slave, reference);
            }
        }
        None
    }
}

/// The mounts of a list that still exist. Dropped by the caller, not under the lock.
fn living(mounts: &Mounts) -> Vec<Arc<Mount>> {
    mounts.values().filter_map(Weak::upgrade).collect()
}

/// What a mount is to the others.
#[must_use]
pub(crate) fn of(mount: &Mount) -> Propagation {
    REGISTRY.lock().state(mount.id)
}

/// Whether it has a peer group.
#[must_use]
pub(crate) fn is_shared(mount: &Mount) -> bool {
    of(mount).group.is_some()
}

/// Makes a mount what mount(2) asks for.
pub(crate) fn change(mount: &Arc<Mount>, to: PropagationType) {
    let mut registry = REGISTRY.lock();
    if to == PropagationType::Shared {
        registry.share(mount);
        return;
    }
    let mut state = registry.state(mount.id);
    if let Some(group) = registry.leave(mount.id, &mut state) {
        registry.unfollow(mount.id, &mut state);
        state.master = Some(group);
        registry.follow(group, mount.id, Arc::downgrade(mount));
    }
    if to != PropagationType::Slave {
        registry.unfollow(mount.id, &mut state);
        state.unbindable = to == PropagationType::Unbindable;
    }
    registry.set(mount.id, state);
}

/// The mount has left its tree, or ends: nobody tells it anything any more.
pub(crate) fn forget(mount: u64) {
    let mut registry = REGISTRY.lock();
    let mut state = registry.state(mount);
    if state != Propagation::default() {
        registry.leave(mount, &mut state);
        registry.unfollow(mount, &mut state);
        registry.set(mount, Propagation::default());
    }
}

/// A copy is a peer of its original, and follows what that follows.
pub(crate) fn copy(original: &Mount, copy: &Arc<Mount>) {
    let mut registry = REGISTRY.lock();
    let state = registry.state(original.id);
    if let Some(group) = state.group {
        registry.join(group, copy);
    }
    if let Some(master) = state.master {
        registry.follow(master, copy.id, Arc::downgrade(copy));
    }
    registry.set(copy.id, state);
}

/// A copy follows its original, which is shared.
pub(crate) fn enslave(original: &Mount, copy: &Arc<Mount>) {
    let mut registry = REGISTRY.lock();
    let master = registry.state(original.id).group;
    if let Some(group) = master {
        registry.follow(group, copy.id, Arc::downgrade(copy));
    }
    registry.set(copy.id, Propagation { master, ..Propagation::default() });
}

/// Who hears of changes in a group.
pub(crate) fn receivers(group: u64) -> Receivers {
    let registry = REGISTRY.lock();
    let Some(found) = registry.groups.get(&group) else { return Default::default() };
    let slaves = living(&found.slaves);
    let slaves = slaves.into_iter().map(|slave| (registry.state(slave.id), slave));
    (living(&found.members), slaves.map(|(state, slave)| (slave, state)).collect())
}

/// All that hear of a change in a mount: its peers, and those who follow, on all levels. Not itself.
pub(crate) fn listeners(mount: &Mount) -> Vec<Arc<Mount>> {
    let mut all: BTreeMap<u64, Arc<Mount>> = BTreeMap::new();
    let mut pending: Vec<u64> = of(mount).group.into_iter().collect();
    let mut seen: BTreeSet<u64> = pending.iter().copied().collect();
    while let Some(group) = pending.pop() {
        let (members, slaves) = receivers(group);
        for (slave, state) in slaves {
            match state.group {
                None => drop(all.insert(slave.id, slave)),
                Some(next) if seen.insert(next) => pending.push(next),
                Some(_) => {}
            }
        }
        all.extend(members.into_iter().map(|member| (member.id, member)));
    }
    all.remove(&mount.id);
    all.into_values().collect()
}

/// The closest group above a mount's master that has a member for which `visible` says yes (`propagate_from:N`).
pub(crate) fn dominating(mount: &Mount, visible: impl Fn(&Arc<Mount>) -> bool) -> Option<u64> {
    let mut group = of(mount).master;
    while let Some(number) = group {
        let (members, _) = receivers(number);
        if members.iter().any(&visible) {
            return Some(number);
        }
        group = members.first().and_then(|member| of(member).master);
    }
    None
}

//! Putting a tree of mounts upon a place, and upon the same place wherever that is heard of.

use std::collections::BTreeSet;
use std::sync::Arc;

use abi::Errno;

use crate::dentry::Dentry;
use crate::mount::Mount;
use crate::mount_flags::MountLocks;
use crate::mount_namespace::MOUNTS_MAX;
use crate::mount_tree::{Copying, TreeChange, copy_tree, lock_tree, tree};
use crate::path::Path;
use crate::propagation::{self, PropagationType};

/// A copy that will appear upon a dentry seen through `parent`.
struct Planned {
    parent: Arc<Mount>,
    copy: Arc<Mount>,
}

/// Puts `top` with all upon it on `place`. What is mounted there already comes to lie upon it.
///
/// # Errors
/// `ENOENT` if the place was removed, `ENOSPC` with too many mounts.
pub(crate) fn attach(change: &mut TreeChange, place: &Path, top: &Arc<Mount>) -> Result<(), Errno> {
    let mut planned = Vec::new();
    let mut newly_shared = Vec::new();
    let mut result = Ok(());
    if let Some(group) = propagation::of(&place.mount).group {
        for mount in tree(top) {
            if !propagation::is_shared(&mount) {
                propagation::change(&mount, PropagationType::Shared);
                newly_shared.push(mount);
            }
        }
        result = plan(group, place, top, &mut planned);
    }
    planned.push(Planned { parent: Arc::clone(&place.mount), copy: Arc::clone(top) });
    let result = result.and_then(|()| commit(change, &place.dentry, &planned));
    if result.is_err() {
        newly_shared.iter().for_each(|mount| propagation::change(mount, PropagationType::Private));
    }
    change.keep(planned.into_iter().map(|plan| plan.copy));
    change.keep(newly_shared);
    result
}

/// Makes a copy for each mount that hears of changes in `place.mount`, which belongs to `group`.
fn plan(group: u64, place: &Path, top: &Arc<Mount>, planned: &mut Vec<Planned>) -> Result<(), Errno> {
    let size = tree(top).len().max(1);
    let most = MOUNTS_MAX.checked_div(size).unwrap_or_default();
    // Groups still to serve, each with a tree that is shared with the copies that its members get, and the member that has one.
    let mut pending = vec![(group, Some(place.mount.id), Arc::clone(top))];
    let mut seen = BTreeSet::from([group]);
    let mut copy = |source: &Arc<Mount>, parent: Arc<Mount>, how| {
        if !shows(&parent, &place.dentry) {
            return Ok(None);
        }
        let copy = copy_tree(source, source.root(), how)?.0;
        planned.push(Planned { parent, copy: Arc::clone(&copy) });
        if planned.len() > most { Err(Errno::ENOSPC) } else { Ok(Some(copy)) }
    };
    while let Some((group, served, source)) = pending.pop() {
        let (members, slaves) = propagation::receivers(group);
        for member in members.into_iter().filter(|member| Some(member.id) != served) {
            copy(&source, member, Copying::Bind)?;
        }
        for (slave, state) in slaves {
            match state.group {
                None => drop(copy(&source, slave, Copying::Slaves)?),
                Some(next) if !seen.insert(next) => {}
                Some(next) => {
                    let (peers, _) = propagation::receivers(next);
                    let first = peers.into_iter().find(|peer| shows(peer, &place.dentry));
                    let first = first.map(|peer| Ok((peer.id, copy(&source, peer, Copying::SharedSlaves)?)));
                    pending.push(match first.transpose()? {
                        Some((served, Some(copy))) => (next, Some(served), copy),
                        // Nobody there sees the place, but their followers may.
                        _ => (next, None, Arc::clone(&source)),
                    });
                }
            }
        }
    }
    Ok(())
}

/// Whether a mount is in use and a dentry can be seen through it.
fn shows(mount: &Mount, dentry: &Arc<Dentry>) -> bool {
    mount.namespace().is_some() && dentry.is_within(mount.root())
}

fn commit(change: &mut TreeChange, dentry: &Arc<Dentry>, planned: &[Planned]) -> Result<(), Errno> {
    let size = planned.first().map_or(0, |plan| tree(&plan.copy).len());
    for plan in planned {
        if plan.parent.namespace().is_some_and(|n| n.count().saturating_add(size) > MOUNTS_MAX) {
            return Err(Errno::ENOSPC);
        }
    }
    let own = planned.last().and_then(|plan| plan.parent.namespace());
    // Removal of the place holds the same lock while it looks for mounts.
    let _changes = dentry.changes.lock();
    if dentry.is_deleted() {
        return Err(Errno::ENOENT);
    }
    for Planned { parent, copy } in planned {
        let covered = parent.child_at(dentry);
        if let Some(covered) = &covered {
            covered.detach();
        }
        parent.attach(dentry, copy);
        let namespace = parent.namespace();
        if namespace.as_ref().zip(own.as_ref()).is_some_and(|(there, own)| there.user != own.user) {
            lock_tree(copy);
        }
        copy.set_locks(copy.locks() - MountLocks::PLACE);
        for mount in tree(copy) {
            mount.enter(namespace.as_ref());
        }
        if let Some(covered) = covered {
            let top = copy.root_path().topmost();
            top.mount.attach(&top.dentry, &covered);
        }
        change.touch(parent);
    }
    Ok(())
}

//! Taking a tree of mounts out, and its copies wherever that is heard of.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::mount::Mount;
use crate::mount_tree::{TreeChange, tree};
use crate::path::Path;
use crate::propagation;

/// Whether anyone but the trees and `references` of the caller's uses a mount: an open file, a working directory, a walk under way.
pub(crate) fn in_use(mount: &Arc<Mount>, references: usize) -> bool {
    Arc::strong_count(mount) > references.saturating_add(1)
}

/// What hangs, wherever that is heard of, at the place where a mount hangs. Not the mount itself.
fn counterparts(mount: &Mount) -> Vec<Arc<Mount>> {
    let Some(place) = mount.mountpoint() else { return Vec::new() };
    let listeners = propagation::listeners(&place.mount);
    listeners.iter().filter_map(|listener| listener.child_at(&place.dentry)).collect()
}

/// Whether a counterpart of a mount that shall go is in use.
pub(crate) fn counterparts_in_use(mount: &Mount) -> bool {
    // What has mounts of its own stays, and so is no obstacle.
    counterparts(mount).iter().any(|found| found.children().is_empty() && in_use(found, 1))
}

/// Takes out a mount with all upon it, and their counterparts as far as nothing else is upon those.
pub(crate) fn detach(change: &mut TreeChange, top: &Arc<Mount>) {
    let going = tree(top);
    let mut candidates: BTreeMap<u64, Arc<Mount>> = BTreeMap::new();
    for mount in &going {
        candidates.extend(counterparts(mount).into_iter().map(|found| (found.id, found)));
    }
    for mount in &going {
        candidates.remove(&mount.id);
    }
    while let Some(id) = candidates.values().find(|found| stays(found, &candidates)).map(|found| found.id) {
        change.keep(candidates.remove(&id));
    }
    for mount in going.iter().rev() {
        change.take_out(mount);
    }
    for mount in candidates.values() {
        let place = mount.mountpoint();
        let upon = mount.child_at(mount.root()).filter(|upon| !candidates.contains_key(&upon.id));
        change.take_out(mount);
        if let (Some(Path { mount: parent, dentry }), Some(upon)) = (place, upon) {
            // It was mounted over the copy, or got covered by it: now it covers what that covered.
            upon.detach();
            parent.attach(&dentry, &upon);
        }
    }
    change.keep(going);
    change.keep(candidates.into_values());
}

/// Whether something that stays is mounted upon a candidate, other than right over it.
fn stays(mount: &Arc<Mount>, candidates: &BTreeMap<u64, Arc<Mount>>) -> bool {
    let upon_root = mount.child_at(mount.root()).map(|upon| upon.id);
    let children = mount.children();
    children.iter().any(|child| !candidates.contains_key(&child.id) && Some(child.id) != upon_root)
}

//! Who hears of what happens to the files of a group: poll(2) and inotify(7).

use std::sync::Arc;

use vfs::{Events, WaitQueue};

use super::{GroupId, Tree};

/// Hears of changes that a file tells of by itself.
pub trait Watcher: Send + Sync {
    /// The text of a group's file has changed. No lock of the kernel is held.
    fn changed(&self, group: GroupId, file: &'static str);
}

/// What follows from a change of the groups, to be done when their lock is released.
#[derive(Default)]
pub struct Notices {
    changed: Vec<(GroupId, &'static str, Arc<WaitQueue>)>,
    limited: Vec<GroupId>,
}

impl Notices {
    /// Limits of a group have changed, or it has threads again that they hold for.
    pub fn limited(&mut self, id: GroupId) {
        self.limited.push(id);
    }

    pub(super) fn take_limited(&mut self) -> Vec<GroupId> {
        std::mem::take(&mut self.limited)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// The text of a file has changed, if it is not known yet that it has.
    pub(super) fn add(&mut self, tree: &mut Tree, id: GroupId, file: &'static str) {
        let Some(group) = tree.group_mut(id) else { return };
        let count = group.happened.entry(file).or_default();
        *count = count.wrapping_add(1);
        if !self.changed.iter().any(|(other, known, _)| *other == id && *known == file) {
            self.changed.push((id, file, Arc::clone(&group.changed)));
        }
    }

    pub(super) fn tell(self, watchers: &[Arc<dyn Watcher>]) {
        for (group, file, queue) in self.changed {
            queue.notify(Events::PRI | Events::ERR);
            watchers.iter().for_each(|watcher| watcher.changed(group, file));
        }
    }
}

//! Freezing: no task of a group goes on to guest code until the group is thawed, but for those that are killed.
//!
//! It works as [`crate::freezer`] does for a whole container. A task that waits in a call stays there; when the call ends, it comes to rest
//! before its result reaches the guest.

use std::time::{Duration, Instant};

use abi::Errno;

use super::tasks::{Look, hold};
use super::{GroupId, Notices, Tree};
use crate::{Kernel, Task};

impl Kernel {
    /// Freezes a group and all below it, or lets those go on that no other group keeps frozen.
    ///
    /// # Errors
    /// `ENODEV` if the group is gone.
    pub fn freeze_group(&self, id: GroupId, on: bool) -> Result<(), Errno> {
        let look = self.control_groups.change(|tree, notices| {
            tree.living_mut(id)?.freezing.wanted = on;
            let below = tree.downward(id);
            let changed: Vec<GroupId> = below.into_iter().filter(|at| tree.refresh_freezing(*at)).collect();
            let mut look = Look::default();
            for (_, task) in self.tasks_in(&changed) {
                hold(tree, task, &mut look);
            }
            let above = tree.upward(id).into_iter().skip(1);
            let candidates: Vec<GroupId> = changed.into_iter().rev().chain(above).collect();
            recheck(self, tree, &candidates, notices);
            Ok(look)
        })?;
        look.take();
        Ok(())
    }
}

impl Tree {
    /// Whether what holds for a group has changed with it or with the group that it lies in.
    fn refresh_freezing(&mut self, id: GroupId) -> bool {
        let above = self.group(id).and_then(|g| g.parent).and_then(|at| self.group(at));
        let above = above.is_some_and(|above| above.freezing.effective);
        let Some(group) = self.group_mut(id) else { return false };
        let freezing = &mut group.freezing;
        let effective = freezing.wanted || above;
        if freezing.effective == effective {
            return false;
        }
        freezing.effective = effective;
        match effective {
            true => freezing.since = Some(Instant::now()),
            false => freezing.before = freezing.lasted(),
        }
        if !effective {
            freezing.since = None;
        }
        true
    }
}

impl super::Freezing {
    /// How long it has been frozen in all.
    #[must_use]
    pub fn lasted(&self) -> Duration {
        self.before.saturating_add(self.since.map_or(Duration::ZERO, |since| since.elapsed()))
    }
}

/// Finds out whether anything runs in groups that are to be frozen, and tells where that has changed.
pub(super) fn recheck(kernel: &Kernel, tree: &mut Tree, candidates: &[GroupId], notices: &mut Notices) {
    let unsettled = |id: &&GroupId| {
        let freezing = tree.group(**id).map(|group| group.freezing);
        freezing.is_some_and(|freezing| freezing.effective || freezing.complete)
    };
    let unsettled: Vec<GroupId> = candidates.iter().filter(unsettled).copied().collect();
    for id in unsettled {
        let frozen = tree.group(id).is_some_and(|group| group.freezing.effective);
        let complete = frozen && !kernel.tasks_in(&tree.downward(id)).iter().any(|(_, task)| task.runs());
        let Some(group) = tree.group_mut(id) else { continue };
        if std::mem::replace(&mut group.freezing.complete, complete) != complete {
            notices.add(tree, id, "cgroup.events");
        }
    }
}

/// A task has come to rest.
pub(crate) fn rested(task: &Task) {
    if !task.held.is_frozen() {
        return;
    }
    task.kernel.control_groups.change(|tree, notices| {
        for group in task.control_groups() {
            let upward = tree.upward(group);
            recheck(&task.kernel, tree, &upward, notices);
        }
    });
}

//! How many threads are in groups.

use abi::Errno;

use super::{Controllers, Group, GroupId, Notices, Tree};

impl Tree {
    /// Counts a thread to be: it is in the group from now on, and does not live yet.
    ///
    /// # Errors
    /// `EAGAIN` if there are as many as the group or one above it may have.
    pub(super) fn admit(&mut self, id: GroupId, notices: &mut Notices) -> Result<(), Errno> {
        let upward = self.upward(id);
        let full = upward.iter().position(|at| {
            let limited = self.controllers(*at).contains(Controllers::PIDS);
            self.group(*at).is_some_and(|g| limited && g.pids.most.is_some_and(|most| g.tasks >= most))
        });
        if let Some(full) = full {
            let over = upward.get(full..).unwrap_or_default();
            self.limit_met(over, notices);
            return Err(Errno::EAGAIN);
        }
        self.count_in(id);
        Ok(())
    }

    /// The first of these groups had no place for a thread.
    fn limit_met(&mut self, upward: &[GroupId], notices: &mut Notices) {
        if let Some(group) = upward.first().and_then(|id| self.group_mut(*id)) {
            group.pids.met_here = group.pids.met_here.saturating_add(1);
            let id = group.id;
            notices.add(self, id, "pids.events.local");
        }
        for id in upward {
            if let Some(group) = self.group_mut(*id) {
                group.pids.met = group.pids.met.saturating_add(1);
            }
            notices.add(self, *id, "pids.events");
        }
    }

    /// Counts a thread, or a zombie, whatever the limits say.
    pub(super) fn count_in(&mut self, id: GroupId) {
        if let Some(group) = self.group_mut(id) {
            group.own_tasks = group.own_tasks.saturating_add(1);
        }
        for at in self.upward(id) {
            if let Some(group) = self.group_mut(at) {
                group.tasks = group.tasks.saturating_add(1);
                group.pids.peak = group.pids.peak.max(group.tasks);
            }
        }
    }

    /// Counts it no more.
    pub(super) fn count_out(&mut self, id: GroupId) {
        if let Some(group) = self.group_mut(id) {
            group.own_tasks = group.own_tasks.saturating_sub(1);
        }
        for at in self.upward(id) {
            if let Some(group) = self.group_mut(at) {
                group.tasks = group.tasks.saturating_sub(1);
            }
        }
        self.forget_removed(id);
    }

    /// A thread of the group lives.
    pub(super) fn began(&mut self, id: GroupId, notices: &mut Notices) {
        let Some(group) = self.group_mut(id) else { return };
        let populated = group.is_populated();
        group.living = group.living.saturating_add(1);
        if !populated {
            self.populated_changed(id, true, notices);
        }
    }

    /// A living thread of the group has ended or went elsewhere.
    pub(super) fn ended(&mut self, id: GroupId, notices: &mut Notices) {
        let Some(group) = self.group_mut(id) else { return };
        group.living = group.living.saturating_sub(1);
        if !group.is_populated() {
            self.populated_changed(id, false, notices);
        }
    }

    fn populated_changed(&mut self, id: GroupId, populated: bool, notices: &mut Notices) {
        notices.add(self, id, "cgroup.events");
        self.populated_again(id, populated, notices);
        let mut below = id;
        while let Some(parent) = self.group(below).and_then(|group| group.parent) {
            let Some(group) = self.group_mut(parent) else { return };
            let was = group.is_populated();
            let children = &mut group.populated_children;
            *children = if populated { children.saturating_add(1) } else { children.saturating_sub(1) };
            if group.is_populated() == was {
                return;
            }
            notices.add(self, parent, "cgroup.events");
            self.populated_again(parent, populated, notices);
            below = parent;
        }
    }

    /// An empty group's limits are not looked after.
    fn populated_again(&self, id: GroupId, populated: bool, notices: &mut Notices) {
        if populated && self.group(id).is_some_and(Group::is_supervised) {
            notices.limited(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vfs::Owner;

    fn chain() -> (Tree, [GroupId; 3]) {
        let mut tree = Tree::default();
        let root = tree.root(0);
        let a = tree.make(root, b"a", Owner::default()).unwrap();
        let b = tree.make(a, b"b", Owner::default()).unwrap();
        (tree, [root, a, b])
    }

    #[test]
    fn who_is_populated_follows_the_threads_below() {
        let (mut tree, [root, a, b]) = chain();
        let states = |tree: &Tree| [root, a, b].map(|id| tree.group(id).unwrap().is_populated());
        let told = |tree: &Tree| [root, a, b].map(|id| tree.group(id).unwrap().happened("cgroup.events"));
        let mut notices = Notices::default();
        tree.began(b, &mut notices);
        assert_eq!((states(&tree), told(&tree)), ([true; 3], [1, 1, 1]));
        tree.began(b, &mut notices);
        tree.began(root, &mut notices);
        assert_eq!(told(&tree), [1, 1, 1]);
        tree.ended(b, &mut notices);
        tree.ended(b, &mut notices);
        assert_eq!((states(&tree), told(&tree)), ([true, false, false], [1, 2, 2]));
        tree.ended(root, &mut notices);
        assert_eq!((states(&tree), told(&tree)), ([false; 3], [2, 2, 2]));
    }

    #[test]
    fn a_limit_holds_for_all_below_and_is_told_upwards() {
        let (mut tree, [root, a, b]) = chain();
        tree.group_mut(root).unwrap().subtree = Controllers::PIDS;
        tree.group_mut(a).unwrap().pids.most = Some(2);
        let mut notices = Notices::default();
        assert_eq!(tree.admit(b, &mut notices), Ok(()));
        assert_eq!(tree.admit(a, &mut notices), Ok(()));
        assert_eq!(tree.admit(b, &mut notices), Err(Errno::EAGAIN));
        assert_eq!(tree.admit(root, &mut notices), Ok(()));
        let pids = |id| tree.group(id).unwrap().pids;
        assert_eq!((pids(a).met, pids(a).met_here, pids(a).peak), (1, 1, 2));
        assert_eq!((pids(b).met, pids(root).met, pids(root).met_here), (0, 1, 0));
        tree.count_out(b);
        assert_eq!(tree.admit(b, &mut notices), Ok(()));
        // Without the controller nothing is limited.
        tree.group_mut(root).unwrap().subtree = Controllers::default();
        assert_eq!(tree.admit(b, &mut notices), Ok(()));
    }

    #[test]
    fn a_removed_group_is_remembered_for_its_zombies() {
        let (mut tree, [root, a, b]) = chain();
        let mut notices = Notices::default();
        tree.admit(b, &mut notices).unwrap();
        tree.began(b, &mut notices);
        assert_eq!(tree.remove(a, b"b"), Err(Errno::EBUSY));
        tree.ended(b, &mut notices);
        assert_eq!(tree.remove(a, b"b"), Ok(()));
        assert_eq!(tree.remove(root, b"a"), Ok(()));
        let dying = |tree: &Tree| tree.group(root).unwrap().dying;
        assert_eq!((dying(&tree), tree.group(b).is_some()), (2, true));
        tree.count_out(b);
        assert_eq!((dying(&tree), tree.group(b).is_some(), tree.group(a).is_some()), (0, false, false));
    }
}

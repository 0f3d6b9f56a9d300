//! All groups: making and removing them.

use std::collections::HashMap;

use abi::Errno;
use vfs::Owner;

use super::{Group, GroupId, Hierarchy};
use crate::accounting::Consumption;

/// The most groups that a container may have. Linux has as many memory groups.
pub const GROUPS_MAX: u64 = 65_535;
/// How deep they may lie within each other, whatever `cgroup.max.depth` says: each fork counts in every group above.
const DEPTH_MAX: u32 = 256;

/// What the directory of a group is to those who get its descriptor: clone3(2).
#[derive(Clone, Copy, Debug)]
pub struct Directory(pub GroupId);

/// See the module.
#[derive(Default)]
pub struct Tree {
    pub(super) groups: HashMap<GroupId, Group>,
    /// The group of each container.
    roots: HashMap<u32, GroupId>,
    /// Those of the first version.
    pub(super) hierarchies: Vec<Hierarchy>,
    last: u64,
}

impl Tree {
    /// The group of a container.
    pub fn root(&mut self, container: u32) -> GroupId {
        if let Some(root) = self.roots.get(&container) {
            return *root;
        }
        let root = self.next_id();
        self.roots.insert(container, root);
        self.groups.insert(root, Group::new(root, None, container, b"", Owner::default()));
        root
    }

    /// The roots of all hierarchies of a container, the unified one first.
    pub(super) fn roots(&mut self, container: u32) -> Vec<GroupId> {
        let unified = self.root(container);
        let own = self.hierarchies.iter().filter(|hierarchy| hierarchy.container == container);
        std::iter::once(unified).chain(own.map(|hierarchy| hierarchy.root)).collect()
    }

    /// The root of the hierarchy that a group is in.
    #[must_use]
    pub fn top(&self, id: GroupId) -> GroupId {
        self.above(id).last().map_or(id, |group| group.id)
    }

    /// Of some groups the one in the same hierarchy as another, or that one.
    pub(super) fn of_same_hierarchy(&self, groups: &[GroupId], as_this: GroupId) -> GroupId {
        let top = self.top(as_this);
        groups.iter().copied().find(|group| self.top(*group) == top).unwrap_or(as_this)
    }

    /// Forgets the groups of a container that is gone.
    pub fn forget_container(&mut self, container: u32) {
        self.roots.remove(&container);
        self.hierarchies.retain(|hierarchy| hierarchy.container != container);
        self.groups.retain(|_, group| group.container != container);
    }

    pub(super) fn next_id(&mut self) -> GroupId {
        self.last = self.last.wrapping_add(1);
        GroupId(self.last)
    }

    /// A group, removed ones too.
    #[must_use]
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// The same, to change it.
    #[must_use]
    pub fn group_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.groups.get_mut(&id)
    }

    /// A group that was not removed.
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn living(&self, id: GroupId) -> Result<&Group, Errno> {
        self.groups.get(&id).filter(|group| !group.removed).ok_or(Errno::ENODEV)
    }

    /// The same, to change it.
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn living_mut(&mut self, id: GroupId) -> Result<&mut Group, Errno> {
        self.groups.get_mut(&id).filter(|group| !group.removed).ok_or(Errno::ENODEV)
    }

    /// The groups above one, from the closest on.
    pub fn above(&self, id: GroupId) -> impl Iterator<Item = &Group> {
        let parent = |id: GroupId| self.groups.get(&id)?.parent;
        std::iter::successors(parent(id), move |id| parent(*id)).filter_map(|id| self.groups.get(&id))
    }

    /// A group and those above it.
    #[must_use]
    pub fn upward(&self, id: GroupId) -> Vec<GroupId> {
        std::iter::once(id).chain(self.above(id).map(|group| group.id)).collect()
    }

    /// Whether a group is another one or lies below it.
    #[must_use]
    pub fn is_within(&self, id: GroupId, other: GroupId) -> bool {
        id == other || self.above(id).any(|group| group.id == other)
    }

    /// A group and all below it, each after the one that it lies in.
    #[must_use]
    pub fn downward(&self, id: GroupId) -> Vec<GroupId> {
        let mut found = vec![id];
        let mut next = 0;
        while let Some(group) = found.get(next).and_then(|id| self.groups.get(id)) {
            found.extend(group.children.values());
            next += 1;
        }
        found
    }

    /// Makes a group.
    ///
    /// # Errors
    /// `EINVAL` for a name with a line's end, `EEXIST`, `EAGAIN` beyond `cgroup.max.depth` or `cgroup.max.descendants` of a group above,
    /// `ENOSPC` with [`GROUPS_MAX`] of them, `ENODEV` if the group that it is to lie in is gone.
    pub fn make(&mut self, within: GroupId, name: &[u8], owner: Owner) -> Result<GroupId, Errno> {
        let parent = self.living(within)?;
        if name.contains(&b'\n') {
            return Err(Errno::EINVAL);
        }
        if parent.children.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        let depth = parent.depth.saturating_add(1);
        let full = |above: &Group| {
            let deep = above.max_depth.is_some_and(|most| depth.saturating_sub(above.depth) > most);
            deep || above.max_descendants.is_some_and(|most| above.descendants >= u64::from(most))
        };
        if depth > DEPTH_MAX || full(parent) || self.above(within).any(full) {
            return Err(Errno::EAGAIN);
        }
        let root = self.above(within).last().unwrap_or(parent);
        if root.descendants.saturating_add(root.dying) >= GROUPS_MAX {
            return Err(Errno::ENOSPC);
        }
        let new = Group::new(GroupId(self.last.wrapping_add(1)), Some(parent), parent.container, name, owner);
        let id = self.next_id();
        self.groups.insert(id, new);
        for above in self.upward(within) {
            if let Some(above) = self.group_mut(above) {
                above.descendants = above.descendants.saturating_add(1);
            }
        }
        if let Some(parent) = self.group_mut(within) {
            parent.children.insert(name.to_vec(), id);
        }
        Ok(id)
    }

    /// Removes a group.
    ///
    /// # Errors
    /// `ENOENT`, `EBUSY` with living processes or with groups in it.
    pub fn remove(&mut self, within: GroupId, name: &[u8]) -> Result<(), Errno> {
        let id = *self.living(within)?.children.get(name).ok_or(Errno::ENOENT)?;
        let group = self.living(id)?;
        if group.is_populated() || !group.children.is_empty() {
            return Err(Errno::EBUSY);
        }
        if let Some(parent) = self.group_mut(within) {
            parent.children.remove(name);
        }
        for above in self.upward(within) {
            if let Some(above) = self.group_mut(above) {
                above.descendants = above.descendants.saturating_sub(1);
                above.dying = above.dying.saturating_add(1);
            }
        }
        let used = match self.group_mut(id) {
            Some(group) => {
                group.removed = true;
                std::mem::take(&mut group.used)
            }
            None => Consumption::default(),
        };
        self.add_used(within, used);
        self.forget_removed(id);
        Ok(())
    }

    fn add_used(&mut self, id: GroupId, used: Consumption) {
        if let Some(group) = self.group_mut(id) {
            group.used = group.used.plus(used);
        }
    }

    /// Forgets a removed group, and those above it, once no zombie was in it.
    pub(super) fn forget_removed(&mut self, id: GroupId) {
        let mut next = Some(id);
        while let Some(id) = next {
            let Some(group) = self.groups.get(&id) else { return };
            if !group.removed || group.tasks > 0 || group.dying > 0 {
                return;
            }
            for above in self.upward(id).into_iter().skip(1) {
                if let Some(above) = self.group_mut(above) {
                    above.dying = above.dying.saturating_sub(1);
                }
            }
            let gone = self.groups.remove(&id);
            next = gone.as_ref().and_then(|group| group.parent);
            if let (Some(gone), Some(parent)) = (gone, next) {
                self.add_used(parent, gone.used);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> (Tree, GroupId) {
        let mut tree = Tree::default();
        let root = tree.root(0);
        (tree, root)
    }

    fn make(tree: &mut Tree, within: GroupId, name: &str) -> Result<GroupId, Errno> {
        tree.make(within, name.as_bytes(), Owner::default())
    }

    #[test]
    fn groups_are_made_and_removed() {
        let (mut tree, root) = root();
        let a = make(&mut tree, root, "a").unwrap();
        let b = make(&mut tree, a, "b").unwrap();
        assert_eq!(make(&mut tree, root, "a"), Err(Errno::EEXIST));
        assert_eq!(make(&mut tree, root, "a\nb"), Err(Errno::EINVAL));
        assert_eq!(tree.group(root).unwrap().descendants, 2);
        assert!(tree.is_within(b, root) && !tree.is_within(a, b));
        assert_eq!(tree.downward(root), [root, a, b]);
        assert_eq!(tree.upward(b), [b, a, root]);
        assert_eq!(tree.remove(root, b"a"), Err(Errno::EBUSY));
        assert_eq!(tree.remove(a, b"b"), Ok(()));
        assert_eq!(tree.remove(a, b"b"), Err(Errno::ENOENT));
        assert_eq!(tree.remove(root, b"a"), Ok(()));
        assert_eq!(make(&mut tree, a, "c"), Err(Errno::ENODEV));
        let root = tree.group(root).unwrap();
        assert_eq!((root.descendants, root.dying, tree.groups.len()), (0, 0, 1));
    }

    #[test]
    fn groups_above_bound_depth_and_number() {
        let (mut tree, root) = root();
        tree.living_mut(root).unwrap().max_depth = Some(2);
        let a = make(&mut tree, root, "a").unwrap();
        let b = make(&mut tree, a, "b").unwrap();
        assert_eq!(make(&mut tree, b, "c"), Err(Errno::EAGAIN));
        tree.living_mut(root).unwrap().max_depth = None;
        tree.living_mut(a).unwrap().max_descendants = Some(1);
        assert_eq!(make(&mut tree, b, "c"), Err(Errno::EAGAIN));
        make(&mut tree, root, "d").unwrap();
        let mut deep = root;
        let failed = (0..1000).find_map(|_| make(&mut tree, deep, "x").map(|id| deep = id).err());
        assert_eq!(failed, Some(Errno::EAGAIN));
    }

    #[test]
    fn containers_have_groups_of_their_own() {
        let (mut tree, first) = root();
        let second = tree.root(2);
        assert_ne!(first, second);
        assert_eq!(tree.root(2), second);
        assert!(!tree.is_within(second, first));
        let below = make(&mut tree, second, "a").unwrap();
        tree.forget_container(2);
        assert!(tree.group(below).is_none() && tree.group(second).is_none() && tree.group(first).is_some());
    }
}

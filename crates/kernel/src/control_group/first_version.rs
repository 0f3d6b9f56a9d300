//! Hierarchies of the first version: cgroups(7), and Documentation/admin-guide/cgroup-v1.
//!
//! Each has controllers of its own, or a name alone, and every task of the container is in one group of each. They are made by mount(2), and gone
//! with the last mount if no groups are left in them. A controller is in one hierarchy at a time.

use std::sync::Arc;

use abi::Errno;
use vfs::Owner;

use super::tasks::Look;
use super::{Controllers, Group, GroupId, Tree};
use crate::{Kernel, Task};

/// The most of them in a container: Linux has fewer controllers, and as many names as one likes.
const MOST: usize = 32;

/// A hierarchy of the first version.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    /// Its number in /proc/PID/cgroup.
    pub number: u32,
    /// Whose it is.
    pub container: u32,
    /// Its first group.
    pub root: GroupId,
    /// Its controllers.
    pub controllers: Controllers,
    /// Its name, if it has one.
    pub name: Option<Vec<u8>>,
    /// How many filesystems show it.
    mounts: u32,
}

impl Hierarchy {
    /// What /proc/PID/cgroup calls it.
    #[must_use]
    pub fn title(&self) -> Vec<u8> {
        let mut words: Vec<Vec<u8>> = self.controllers.names().map(|name| name.as_bytes().to_vec()).collect();
        words.extend(self.name.iter().map(|name| [b"name=", name.as_slice()].concat()));
        words.join(&b','.to_owned())
    }
}

impl Tree {
    /// Those of a container, the newest first.
    pub fn first_versions(&self, container: u32) -> impl Iterator<Item = &Hierarchy> {
        self.hierarchies.iter().rev().filter(move |hierarchy| hierarchy.container == container)
    }

    /// The hierarchy of the first version that a group is in.
    #[must_use]
    pub fn first_version(&self, id: GroupId) -> Option<&Hierarchy> {
        if self.hierarchies.is_empty() {
            return None;
        }
        let top = self.top(id);
        self.hierarchies.iter().find(|hierarchy| hierarchy.root == top)
    }

    /// Whether a group is in the unified hierarchy.
    #[must_use]
    pub fn is_unified(&self, id: GroupId) -> bool {
        self.first_version(id).is_none()
    }

    /// The controllers that hierarchies of the first version have taken from the unified one of a container.
    #[must_use]
    pub fn taken(&self, container: u32) -> Controllers {
        self.first_versions(container)
            .fold(Controllers::empty(), |all, hierarchy| all | hierarchy.controllers)
    }

    /// A filesystem shows a group: its hierarchy, if that is one of the first version.
    pub fn mounted(&mut self, root: GroupId) -> Option<Hierarchy> {
        let hierarchy = self.hierarchies.iter_mut().find(|hierarchy| hierarchy.root == root)?;
        hierarchy.mounts = hierarchy.mounts.saturating_add(1);
        Some(hierarchy.clone())
    }

    /// Gives a group another name.
    ///
    /// # Errors
    /// `ENOENT`, `EEXIST`, `EINVAL` for a name with a line's end.
    pub fn rename(&mut self, within: GroupId, name: &[u8], new: &[u8]) -> Result<(), Errno> {
        if new.contains(&b'\n') {
            return Err(Errno::EINVAL);
        }
        let parent = self.living_mut(within)?;
        if parent.children.contains_key(new) {
            return Err(Errno::EEXIST);
        }
        let id = parent.children.remove(name).ok_or(Errno::ENOENT)?;
        parent.children.insert(new.to_vec(), id);
        if let Some(group) = self.group_mut(id) {
            group.name = new.to_vec();
        }
        Ok(())
    }

    /// A filesystem shows a hierarchy no more: removes it with the last one, unless there are groups in it.
    fn remove_hierarchy(&mut self, root: GroupId) -> bool {
        let Some(hierarchy) = self.hierarchies.iter_mut().find(|hierarchy| hierarchy.root == root) else {
            return false;
        };
        hierarchy.mounts = hierarchy.mounts.saturating_sub(1);
        if hierarchy.mounts > 0 {
            return false;
        }
        if self.group(root).is_none_or(|group| !group.children.is_empty()) {
            return false;
        }
        self.hierarchies.retain(|hierarchy| hierarchy.root != root);
        self.groups.remove(&root);
        true
    }
}

impl Kernel {
    /// The hierarchy of a container with these controllers and this name: the one that there is, or a new one that all tasks of the container are in.
    ///
    /// # Errors
    /// `EBUSY` if it is mounted with another name or other controllers, or if one of the controllers is in use elsewhere; `ENOSPC` with too many.
    pub fn first_version(
        &self,
        container: u32,
        controllers: Controllers,
        name: Option<&[u8]>,
    ) -> Result<GroupId, Errno> {
        self.control_groups.change(|tree, notices| {
            for known in tree.first_versions(container) {
                let same_name = name.is_some() && known.name.as_deref() == name;
                let shared = known.controllers.intersects(controllers);
                if !same_name && !shared {
                    continue;
                }
                let same = controllers.is_empty() || known.controllers == controllers;
                let fits = same && (name.is_none() || same_name);
                return if fits { Ok(known.root) } else { Err(Errno::EBUSY) };
            }
            if controllers.is_empty() && name.is_none() {
                return Err(Errno::EINVAL);
            }
            let unified = tree.root(container);
            if tree.group(unified).is_some_and(|root| root.subtree.intersects(controllers)) {
                return Err(Errno::EBUSY);
            }
            if tree.first_versions(container).count() >= MOST {
                return Err(Errno::ENOSPC);
            }
            let root = tree.next_id();
            tree.groups.insert(root, Group::new(root, None, container, b"", Owner::default()));
            let number =
                tree.hierarchies.iter().map(|other| other.number).max().unwrap_or(0).saturating_add(1);
            let name = name.map(<[u8]>::to_vec);
            tree.hierarchies.push(Hierarchy { number, container, root, controllers, name, mounts: 0 });
            for task in self.container_tasks(container) {
                let lives = {
                    let mut entry = task.control.lock();
                    if entry.lives {
                        entry.groups.push(root);
                    }
                    entry.lives
                };
                if lives {
                    tree.count_in(root);
                    tree.began(root, notices);
                }
            }
            Ok(root)
        })
    }

    /// A hierarchy is mounted no more. It stays as long as there are groups in it.
    pub fn hierarchy_unmounted(&self, root: GroupId) {
        let look = self.control_groups.with(|tree| {
            let container = tree.group(root).map_or(0, |group| group.container);
            if !tree.remove_hierarchy(root) {
                return Look::default();
            }
            let mut look = Look::default();
            for task in self.container_tasks(container) {
                task.control.lock().groups.retain(|group| *group != root);
                super::tasks::hold(tree, task, &mut look);
            }
            for process in self.members(Some(container)) {
                process.zombie.lock().retain(|group| *group != root);
                process.used_elsewhere.lock().remove(&root);
            }
            look
        });
        look.take();
    }

    fn container_tasks(&self, container: u32) -> Vec<Arc<Task>> {
        self.members(Some(container)).iter().flat_map(|process| process.tasks()).collect()
    }
}

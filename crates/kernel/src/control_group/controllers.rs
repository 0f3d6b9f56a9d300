//! Controllers, and which of them the children of a group have: `cgroup.subtree_control`.

use abi::Errno;

use super::{Group, GroupId, Notices, Tree};

bitflags::bitflags! {
    /// A set of controllers.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Controllers: u32 {
        /// Processor time: `cpu.max`.
        const CPU = 1;
        /// Memory: `memory.max`.
        const MEMORY = 2;
        /// How many threads there may be: `pids.max`.
        const PIDS = 4;
        /// Processor time that is only counted: the first version alone.
        const CPUACCT = 8;
        /// Freezing: of the first version alone, as the second freezes all groups.
        const FREEZER = 16;
    }
}

impl Controllers {
    /// What the root of a container offers.
    pub const OFFERED: Self = Self::CPU.union(Self::MEMORY).union(Self::PIDS);
    /// Those that Linux lets compete with the threads of their own group.
    const THREADED: Self = Self::CPU.union(Self::PIDS);
    /// Their names, in the order in which Linux lists them.
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::CPU, "cpu"),
        (Self::CPUACCT, "cpuacct"),
        (Self::FREEZER, "freezer"),
        (Self::MEMORY, "memory"),
        (Self::PIDS, "pids"),
    ];

    /// The one of this name.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| known.as_bytes() == name).map(|(controller, _)| *controller)
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let those = Self::NAMES.iter().filter(move |(controller, _)| self.contains(*controller));
        those.map(|(_, name)| *name)
    }

    /// Their names with blanks between them.
    #[must_use]
    pub fn text(self) -> String {
        self.names().collect::<Vec<_>>().join(" ")
    }
}

/// What a write to `cgroup.subtree_control` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubtreeChange {
    enable: Controllers,
    disable: Controllers,
}

impl SubtreeChange {
    /// Reads `+cpu -memory`. Of two words about one controller the last counts.
    ///
    /// # Errors
    /// `EINVAL` for a word without sign and for a controller that there is not.
    pub fn parse(text: &[u8]) -> Result<Self, Errno> {
        let mut change = Self::default();
        for word in text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
            let (sign, name) = word.split_first().ok_or(Errno::EINVAL)?;
            let known = Controllers::named(name).filter(|known| Controllers::OFFERED.contains(*known));
            let controller = known.ok_or(Errno::EINVAL)?;
            let (on, off) = match sign {
                b'+' => (&mut change.enable, &mut change.disable),
                b'-' => (&mut change.disable, &mut change.enable),
                _ => return Err(Errno::EINVAL),
            };
            on.insert(controller);
            off.remove(controller);
        }
        Ok(change)
    }
}

impl Tree {
    /// The controllers that a group has.
    #[must_use]
    pub fn controllers(&self, id: GroupId) -> Controllers {
        if let Some(hierarchy) = self.first_version(id) {
            return hierarchy.controllers;
        }
        match self.group(id).map(|group| group.parent) {
            Some(Some(parent)) => self.group(parent).map(|parent| parent.subtree).unwrap_or_default(),
            Some(None) => Controllers::OFFERED.difference(self.taken_from(id)),
            None => Controllers::default(),
        }
    }

    fn taken_from(&self, id: GroupId) -> Controllers {
        self.group(id).map_or(Controllers::empty(), |group| self.taken(group.container))
    }

    /// Gives controllers to the children of a group, or takes them away. What a child's controller was set to goes with it.
    ///
    /// # Errors
    /// `ENOENT` for a controller that the group itself does not have, `EBUSY` if a child hands one on that is to go, or if the group has
    /// processes of its own that the children would compete with, `EOPNOTSUPP` below a group that competes with its children,
    /// `ENODEV` if the group is gone.
    pub fn change_subtree(
        &mut self,
        id: GroupId,
        change: SubtreeChange,
        notices: &mut Notices,
    ) -> Result<(), Errno> {
        let available = self.controllers(id);
        let group = self.living(id)?;
        let enable = change.enable.difference(group.subtree);
        let disable = change.disable.intersection(group.subtree);
        if !available.contains(enable) {
            return Err(Errno::ENOENT);
        }
        let hands_on = |child: &&Group| child.subtree.intersects(disable);
        if group.children.values().filter_map(|child| self.group(*child)).any(|child| hands_on(&child)) {
            return Err(Errno::EBUSY);
        }
        if !enable.is_empty() {
            self.may_enable(id, enable)?;
        }
        let children: Vec<GroupId> = group.children.values().copied().collect();
        if let Some(group) = self.group_mut(id) {
            group.subtree = group.subtree.union(enable).difference(disable);
        }
        for child in children {
            if let Some(child) = self.group_mut(child) {
                child.forget(disable);
            }
            notices.limited(child);
        }
        Ok(())
    }

    fn may_enable(&self, id: GroupId, enable: Controllers) -> Result<(), Errno> {
        let group = self.living(id)?;
        if !self.is_valid_domain(id) {
            return Err(Errno::EOPNOTSUPP);
        }
        if Controllers::THREADED.contains(enable) {
            if self.can_be_thread_root(group) {
                return Ok(());
            }
        } else if group.is_thread_root() {
            return Err(Errno::EOPNOTSUPP);
        }
        if group.living > 0 { Err(Errno::EBUSY) } else { Ok(()) }
    }

    /// Whether a group could compete with its children: Linux then calls it "domain threaded".
    pub(super) fn can_be_thread_root(&self, group: &Group) -> bool {
        group.populated_children == 0 && Controllers::THREADED.contains(group.subtree)
    }

    /// Whether processes can be put into a group: not where one above competes with its children, which only threads of its own
    /// processes may be put into. There are no threaded groups here, so these stay empty.
    #[must_use]
    pub fn is_valid_domain(&self, id: GroupId) -> bool {
        self.above(id).all(|above| !above.is_thread_root())
    }
}

impl Group {
    /// Whether it competes with its children.
    #[must_use]
    pub const fn is_thread_root(&self) -> bool {
        self.living > 0 && self.subtree.intersects(Controllers::THREADED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_about_controllers_are_read_as_linux_reads_them() {
        let parse = SubtreeChange::parse;
        assert_eq!(parse(b""), Ok(SubtreeChange::default()));
        let both = SubtreeChange { enable: Controllers::PIDS, disable: Controllers::MEMORY };
        assert_eq!(parse(b" +memory +pids\n-memory "), Ok(both));
        for wrong in [&b"pids"[..], b"+nonsense", b"+", b"*pids"] {
            assert_eq!(parse(wrong), Err(Errno::EINVAL));
        }
        assert_eq!((Controllers::PIDS | Controllers::CPU).text(), "cpu pids");
    }
}

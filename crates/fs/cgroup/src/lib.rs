//! Control groups, version 2, as files: cgroups(7).
//!
//! The groups themselves are the kernel's ([`kernel::control_group`]); here is what their files say and take. A filesystem shows a group and
//! all below it: that of the container, or the root of the cgroup namespace of whoever mounts it. Files come and go with the controllers
//! of their group, so names are looked up each time they are used; an inode stays the same as long as anybody has it, so that whoever watches it
//! hears of it.
//!
//! What a container as a whole may use is the runtime's to set: the files of its own group tell, and take nothing but processes and controllers.
#![forbid(unsafe_code)]

mod counters;
mod directory;
mod file;
mod filesystem;
mod inode;
mod options;
mod rows;
mod values;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

pub use options::FirstVersion;

use kernel::Kernel;
use kernel::control_group::GroupId;
use parking_lot::Mutex;
use vfs::{SuperBlock, UserNamespace};

/// The filesystems that there are: one for each group that is the root of what somebody sees.
#[derive(Default)]
pub struct Filesystems(Mutex<HashMap<GroupId, Weak<SuperBlock>>>);

impl Filesystems {
    /// The filesystem of a group and what lies below it, for the owner of a cgroup namespace.
    #[must_use]
    pub fn of(&self, kernel: &Arc<Kernel>, root: GroupId, owner: &Arc<UserNamespace>) -> Arc<SuperBlock> {
        let mut made = self.0.lock();
        if let Some(superblock) = made.get(&root).and_then(Weak::upgrade) {
            return superblock;
        }
        made.retain(|_, superblock| superblock.strong_count() > 0);
        let filesystem = filesystem::Groups::new(Arc::clone(kernel), root);
        let superblock = SuperBlock::of(filesystem, Arc::clone(owner));
        made.insert(root, Arc::downgrade(&superblock));
        superblock
    }

    /// Whether mount(2) takes an option. They are the machine's to choose: here they change nothing, as in any cgroup namespace but
    /// the first.
    #[must_use]
    pub fn knows(option: &[u8]) -> bool {
        const KNOWN: &[&[u8]] = &[
            b"nsdelegate",
            b"favordynmods",
            b"memory_localevents",
            b"memory_recursiveprot",
            b"memory_hugetlb_accounting",
            b"pids_localevents",
        ];
        KNOWN.contains(&option)
    }
}

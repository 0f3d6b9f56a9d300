//! Control groups: cgroups(7), and the kernel's own admin-guide/cgroup-v2.
//!
//! Each container has a hierarchy of its own. Its root is the group that the container was started in, whose limits are the runtime's: what
//! the container's programs make lies below it. A [`Tree`] holds all groups of the sandbox as plain data under one lock. A task
//! knows which group it is in ([`Task::control_group`]); both change together, under the tree's lock, so that a fork and a move of
//! its parent cannot miss each other. What follows from a change (who is to be told, which tasks must stop or go on) is collected under the
//! lock and done after it.
//!
//! A controller is offered only if its limits bind: see docs/decisions/0019-control-groups.md.

mod bandwidth;
mod controllers;
mod cpu;
mod delegation;
mod events;
mod first_version;
mod freeze;
mod group;
mod kill;
mod members;
mod memory;
mod migrate;
mod path;
mod supervise;
mod tasks;
mod tree;

use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use crate::Kernel;
use supervise::Supervisor;

pub use bandwidth::Bandwidth;
pub use controllers::{Controllers, SubtreeChange};
pub(crate) use cpu::process_ended;
pub use delegation::Writer;
pub use events::{Notices, Watcher};
pub use first_version::Hierarchy;
pub(crate) use freeze::rested;
pub use group::{Freezing, Group, GroupId, Kept, TaskLimit};
pub use memory::{Charged, MemoryEvents, MemoryLimit};
pub use migrate::{What, may_clone_into, move_to};
pub use path::Shown;
pub(crate) use tasks::{Admission, Entry, Held, enter_from_outside, forget_zombie, leave, withdraw};
pub use tree::{Directory, GROUPS_MAX, Tree};

/// The control groups of a sandbox.
pub struct ControlGroups {
    tree: Mutex<Tree>,
    watchers: Mutex<Vec<Weak<dyn Watcher>>>,
    kernel: OnceLock<Weak<Kernel>>,
    time: Arc<Supervisor>,
    memory: Arc<Supervisor>,
}

impl Default for ControlGroups {
    fn default() -> Self {
        Self {
            tree: Mutex::default(),
            watchers: Mutex::default(),
            kernel: OnceLock::new(),
            time: Supervisor::new("cpu.max", bandwidth::look),
            memory: Supervisor::new("memory.max", memory::look),
        }
    }
}

impl ControlGroups {
    /// Looks at the groups, or changes them where nothing follows from it.
    pub fn with<R>(&self, act: impl FnOnce(&mut Tree) -> R) -> R {
        act(&mut self.tree.lock())
    }

    /// Changes the groups, and tells whom it concerns.
    pub fn change<R>(&self, act: impl FnOnce(&mut Tree, &mut Notices) -> R) -> R {
        let mut notices = Notices::default();
        let result = act(&mut self.tree.lock(), &mut notices);
        self.tell(notices);
        result
    }

    /// Has a filesystem hear of what happens to files of groups, as long as it is there.
    pub fn watch(&self, watcher: &Arc<dyn Watcher>) {
        let mut watchers = self.watchers.lock();
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(Arc::downgrade(watcher));
    }

    /// Says whose they are. Once, before the first process.
    pub(crate) fn belong_to(&self, kernel: &Arc<Kernel>) {
        let _ = self.kernel.set(Arc::downgrade(kernel));
    }

    fn tell(&self, mut notices: Notices) {
        if let Some(kernel) = self.kernel.get() {
            for id in notices.take_limited() {
                self.time.ask(kernel, id);
                self.memory.ask(kernel, id);
            }
        }
        if notices.is_empty() {
            return;
        }
        let watchers: Vec<_> = self.watchers.lock().iter().filter_map(Weak::upgrade).collect();
        notices.tell(&watchers);
    }
}

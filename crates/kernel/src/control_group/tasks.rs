//! Tasks enter and leave groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use abi::Errno;

use super::{GroupId, Notices, Tree};
use crate::{Kernel, Task, ThreadGroup};

/// Where a task stands among the groups. Changed under the lock of the [`Tree`] alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// Its groups: that of the unified hierarchy first, then those of the others that are mounted.
    pub(super) groups: Vec<GroupId>,
    /// Whether it counts as living there.
    pub(super) lives: bool,
}

/// Why a task may not run.
#[derive(Debug, Default)]
pub(crate) struct Held(AtomicU8);

impl Held {
    /// Its group is frozen.
    pub(super) const FROZEN: u8 = 1;
    /// Its group has used up its processor time.
    const STOPPED: u8 = 2;

    /// Whether anything holds it.
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::SeqCst) != 0
    }

    /// Whether its group is frozen.
    pub(super) fn is_frozen(&self) -> bool {
        self.0.load(Ordering::SeqCst) & Self::FROZEN != 0
    }

    fn set(&self, reasons: u8) -> u8 {
        self.0.swap(reasons, Ordering::SeqCst)
    }
}

/// A thread that will be in a group, and counts there. Dropped before it is used, it counts no more.
pub(crate) struct Admission {
    kernel: Arc<Kernel>,
    groups: Vec<GroupId>,
    /// The group of the unified hierarchy, if that is another one than the parent's.
    elsewhere: Option<GroupId>,
}

impl Admission {
    /// Counts a child of `parent`, in its group or in another one.
    ///
    /// # Errors
    /// `EAGAIN` if that has as many threads as it may have.
    pub(crate) fn take(parent: &Task, into: Option<GroupId>) -> Result<Self, Errno> {
        let kernel = Arc::clone(&parent.kernel);
        let groups = kernel.control_groups.change(|tree, notices| {
            let groups = inherited(parent, into);
            for (taken, group) in groups.iter().enumerate() {
                if let Err(errno) = tree.admit(*group, notices) {
                    groups.iter().take(taken).for_each(|group| tree.count_out(*group));
                    return Err(errno);
                }
            }
            Ok(groups)
        })?;
        Ok(Self { kernel, groups, elsewhere: into })
    }

    /// The child becomes known by what `publish` does, in the group that its parent is in by now.
    ///
    /// # Errors
    /// What `publish` fails with, and `ENODEV` if the other group that it was to be in is gone.
    pub(crate) fn enter(
        mut self,
        parent: &Task,
        child: &Task,
        publish: impl FnOnce() -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let kernel = Arc::clone(&self.kernel);
        kernel.control_groups.change(|tree, notices| {
            let now = inherited(parent, self.elsewhere);
            if let Some(group) = self.elsewhere {
                tree.living(group)?;
            }
            if now != self.groups {
                now.iter().for_each(|group| tree.count_in(*group));
                self.groups.iter().for_each(|group| tree.count_out(*group));
                self.groups.clone_from(&now);
            }
            publish()?;
            self.groups.clear();
            begin(tree, child, now, notices);
            Ok(())
        })
    }
}

/// The groups of a child.
fn inherited(parent: &Task, elsewhere: Option<GroupId>) -> Vec<GroupId> {
    let mut groups = parent.control.lock().groups.clone();
    if let (Some(first), Some(elsewhere)) = (groups.first_mut(), elsewhere) {
        *first = elsewhere;
    }
    groups
}

impl Drop for Admission {
    fn drop(&mut self) {
        if !self.groups.is_empty() {
            self.kernel
                .control_groups
                .with(|tree| self.groups.iter().for_each(|group| tree.count_out(*group)));
        }
    }
}

fn begin(tree: &mut Tree, task: &Task, groups: Vec<GroupId>, notices: &mut Notices) {
    *task.control.lock() = Entry { lives: !groups.is_empty(), groups: groups.clone() };
    let holds = groups.iter().fold(0, |all, group| all | tree.holds(*group));
    task.held.set(holds);
    for group in groups {
        tree.began(group, notices);
        super::freeze::recheck(&task.kernel, tree, &tree.upward(group), notices);
    }
}

impl Tree {
    /// Why tasks of a group may not run.
    pub(super) fn holds(&self, id: GroupId) -> u8 {
        let group = self.group(id);
        let frozen = group.is_some_and(|group| group.freezing.effective);
        let stopped = group.into_iter().chain(self.above(id)).any(|group| group.cpu.since.is_some());
        (if frozen { Held::FROZEN } else { 0 }) | (if stopped { Held::STOPPED } else { 0 })
    }
}

/// A process that was started from outside is in the group of its container.
pub(crate) fn enter_from_outside(task: &Task, container: u32) {
    task.kernel.control_groups.change(|tree, notices| {
        let roots = tree.roots(container);
        roots.iter().for_each(|root| tree.count_in(*root));
        begin(tree, task, roots, notices);
    });
}

/// A task has ended. The first of its process counts on, until somebody has waited for the process.
pub(crate) fn leave(task: &Task) {
    leave_with(task, task.tid() == task.group.pid);
}

/// A task will not be, though it was entered.
pub(crate) fn withdraw(task: &Task) {
    leave_with(task, false);
}

fn leave_with(task: &Task, lingers: bool) {
    task.kernel.control_groups.change(|tree, notices| {
        let groups = {
            let mut entry = task.control.lock();
            if !std::mem::take(&mut entry.lives) {
                return;
            }
            entry.groups.clone()
        };
        groups.iter().for_each(|group| tree.ended(*group, notices));
        let before = if lingers {
            std::mem::replace(&mut *task.group.zombie.lock(), groups.clone())
        } else {
            groups.clone()
        };
        before.into_iter().for_each(|group| tree.count_out(group));
        for group in groups {
            super::freeze::recheck(&task.kernel, tree, &tree.upward(group), notices);
        }
    });
}

/// Nothing is left of a process, or of its first thread, that has ended.
pub(crate) fn forget_zombie(group: &ThreadGroup) {
    // The groups' lock comes first wherever both are held.
    let of = std::mem::take(&mut *group.zombie.lock());
    if !of.is_empty() {
        group.kernel.control_groups.with(|tree| of.into_iter().for_each(|of| tree.count_out(of)));
    }
}

/// Has tasks look whether they may run, after [`hold`] and with the lock of the groups released.
#[derive(Default)]
pub(super) struct Look(Vec<Arc<Task>>);

impl Look {
    pub(super) fn take(self) {
        for task in self.0 {
            if !task.held.any() {
                task.wake();
            } else if task.runs() {
                task.interrupt_thread();
            }
        }
    }
}

/// A task may run, or may not, as its group has it.
pub(super) fn hold(tree: &Tree, task: Arc<Task>, look: &mut Look) {
    let groups = task.control.lock().groups.clone();
    let reasons = groups.iter().fold(0, |all, group| all | tree.holds(*group));
    if task.held.set(reasons) != reasons {
        look.0.push(task);
    }
}

impl Task {
    /// The group of the unified hierarchy that it is in.
    #[must_use]
    pub fn control_group(&self) -> Option<GroupId> {
        self.control.lock().groups.first().copied()
    }

    /// All groups that it is in, that of the unified hierarchy first.
    #[must_use]
    pub fn control_groups(&self) -> Vec<GroupId> {
        self.control.lock().groups.clone()
    }
}

impl ThreadGroup {
    /// The groups that its first thread is in, or was when it ended: that of the unified hierarchy first.
    #[must_use]
    pub fn control_groups(&self) -> Vec<GroupId> {
        let zombie = self.zombie.lock().clone();
        if !zombie.is_empty() {
            return zombie;
        }
        self.representative().map(|task| task.control_groups()).unwrap_or_default()
    }
}

impl Kernel {
    /// The living tasks of groups, with the group of each.
    #[must_use]
    pub fn tasks_in(&self, groups: &[GroupId]) -> Vec<(GroupId, Arc<Task>)> {
        let within = |task: Arc<Task>| {
            let within = {
                let entry = task.control.lock();
                entry.groups.iter().find(|group| entry.lives && groups.contains(group)).copied()
            };
            within.map(|group| (group, task))
        };
        self.pids.groups().iter().flat_map(|group| group.tasks()).filter_map(within).collect()
    }
}

//! Tasks enter and leave groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use abi::Errno;

use super::{GroupId, Notices, Tree};
use crate::{Kernel, Task, ThreadGroup};

/// Where a task stands among the groups. Changed under the lock of the [`Tree`] alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entry {
    /// Its group.
    pub(super) group: Option<GroupId>,
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
    group: Option<GroupId>,
    /// Whether that is another group than the parent's.
    elsewhere: bool,
}

impl Admission {
    /// Counts a child of `parent`, in its group or in another one.
    ///
    /// # Errors
    /// `EAGAIN` if that has as many threads as it may have.
    pub(crate) fn take(parent: &Task, into: Option<GroupId>) -> Result<Self, Errno> {
        let kernel = Arc::clone(&parent.kernel);
        let group = kernel.control_groups.change(|tree, notices| {
            let group = into.or_else(|| parent.control.lock().group);
            group.map_or(Ok(()), |group| tree.admit(group, notices)).map(|()| group)
        })?;
        Ok(Self { kernel, group, elsewhere: into.is_some() })
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
            let now = if self.elsewhere { self.group } else { parent.control.lock().group };
            if self.elsewhere
                && let Some(group) = now
            {
                tree.living(group)?;
            }
            if now != self.group {
                now.into_iter().for_each(|group| tree.count_in(group));
                self.group.into_iter().for_each(|group| tree.count_out(group));
                self.group = now;
            }
            publish()?;
            self.group = None;
            begin(tree, child, now, notices);
            Ok(())
        })
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            self.kernel.control_groups.with(|tree| tree.count_out(group));
        }
    }
}

fn begin(tree: &mut Tree, task: &Task, group: Option<GroupId>, notices: &mut Notices) {
    *task.control.lock() = Entry { group, lives: group.is_some() };
    if let Some(group) = group {
        tree.began(group, notices);
        task.held.set(tree.holds(group));
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
        let root = tree.root(container);
        tree.count_in(root);
        begin(tree, task, Some(root), notices);
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
        let mut entry = task.control.lock();
        let Some(group) = entry.group.filter(|_| entry.lives) else { return };
        entry.lives = false;
        drop(entry);
        tree.ended(group, notices);
        let before = if lingers { task.group.zombie.lock().replace(group) } else { Some(group) };
        before.into_iter().for_each(|group| tree.count_out(group));
        super::freeze::recheck(&task.kernel, tree, &tree.upward(group), notices);
    });
}

/// Nothing is left of a process, or of its first thread, that has ended.
pub(crate) fn forget_zombie(group: &ThreadGroup) {
    // The groups' lock comes first wherever both are held.
    let of = group.zombie.lock().take();
    if let Some(of) = of {
        group.kernel.control_groups.with(|tree| tree.count_out(of));
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
    let Some(group) = task.control.lock().group else { return };
    let reasons = tree.holds(group);
    if task.held.set(reasons) != reasons {
        look.0.push(task);
    }
}

impl Task {
    /// The group that it is in.
    #[must_use]
    pub fn control_group(&self) -> Option<GroupId> {
        self.control.lock().group
    }
}

impl ThreadGroup {
    /// The group that its first thread is in, or was when it ended.
    #[must_use]
    pub fn control_group(&self) -> Option<GroupId> {
        let zombie = *self.zombie.lock();
        zombie.or_else(|| self.representative()?.control_group())
    }
}

impl Kernel {
    /// The living tasks of groups, with the group of each.
    #[must_use]
    pub fn tasks_in(&self, groups: &[GroupId]) -> Vec<(GroupId, Arc<Task>)> {
        let within = |task: Arc<Task>| {
            let entry = *task.control.lock();
            let group = entry.group.filter(|group| entry.lives && groups.contains(group))?;
            Some((group, task))
        };
        self.pids.groups().iter().flat_map(|group| group.tasks()).filter_map(within).collect()
    }
}

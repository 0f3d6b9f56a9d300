//! Processor time that groups have used.

use std::collections::HashMap;
use std::sync::Arc;

use super::{GroupId, Tree};
use crate::accounting::Consumption;
use crate::{Kernel, ThreadGroup};

impl Kernel {
    /// What a group has used and those below it, by processes that have ended or gone elsewhere too.
    #[must_use]
    pub fn used_by(&self, id: GroupId) -> Consumption {
        let (groups, before, root) = self.control_groups.with(|tree| {
            let groups = tree.downward(id);
            let used = groups.iter().filter_map(|id| tree.group(*id)).map(|group| group.used);
            let used = used.fold(Consumption::default(), Consumption::plus);
            (groups, used, tree.top(id))
        });
        let mut processes: HashMap<i32, Arc<ThreadGroup>> = HashMap::new();
        for (_, task) in self.tasks_in(&groups) {
            processes.insert(task.pid(), Arc::clone(&task.group));
        }
        processes
            .values()
            .fold(before, |sum, process| sum.plus(process.used_here(root, process.consumption())))
    }
}

impl ThreadGroup {
    /// What of a process's consumption its present group in the hierarchy of a root has to answer for.
    fn used_here(&self, root: GroupId, all: Consumption) -> Consumption {
        all.minus(self.used_elsewhere.lock().get(&root).copied().unwrap_or_default())
    }
}

/// A process leaves its group, or has ended, and has used so much in all.
pub(super) fn settle(tree: &mut Tree, process: &ThreadGroup, group: GroupId, all: Consumption) {
    let root = tree.top(group);
    let here = process.used_here(root, all);
    process.used_elsewhere.lock().insert(root, all);
    if let Some(group) = tree.group_mut(group) {
        group.used = group.used.plus(here);
    }
}

/// A process has ended.
pub(crate) fn process_ended(process: &ThreadGroup, all: Consumption) {
    process.kernel.control_groups.with(|tree| {
        let groups = process.zombie.lock().clone();
        groups.into_iter().for_each(|group| settle(tree, process, group, all));
    });
}

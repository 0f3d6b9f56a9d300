//! `cgroup.kill`.

use std::collections::HashSet;

use abi::Errno;
use abi::signal::{Siginfo, Signal};

use super::GroupId;
use crate::{Kernel, signal};

/// How often those are looked for who were made meanwhile. Who is killed makes no children: only those of an init that cannot be killed
/// from inside are ever found again.
const ROUNDS: usize = 16;

impl Kernel {
    /// Kills all processes of a group and of those below it.
    ///
    /// # Errors
    /// `ENODEV` if the group is gone.
    pub fn kill_group(&self, id: GroupId) -> Result<(), Errno> {
        let mut killed = HashSet::new();
        for _ in 0..ROUNDS {
            let groups = self.control_groups.with(|tree| tree.living(id).map(|_| tree.downward(id)))?;
            let mut processes: Vec<_> =
                self.tasks_in(&groups).into_iter().map(|(_, task)| task.group.clone()).collect();
            processes.retain(|process| killed.insert(process.pid));
            if processes.is_empty() {
                break;
            }
            for process in processes {
                signal::send_to_group(&process, Siginfo::kernel(Signal::SIGKILL));
            }
        }
        Ok(())
    }
}

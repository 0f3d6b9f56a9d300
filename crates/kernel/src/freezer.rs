//! Pausing a container: no task of it goes on to guest code until it is resumed. Others of the sandbox do.
//!
//! The flag works as a demand for attention does ([`crate::signal`]): whoever freezes sets it and then interrupts every task whose thread runs; a task
//! marks itself as running, resumes its thread, and then looks at the flag. One side sees the other. A task that waits in a call stays there;
//! when the call ends it comes to rest before its result reaches the guest.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use abi::Errno;
use parking_lot::Mutex;

use crate::{Kernel, Task, ThreadGroup, executor};

/// Which containers of the sandbox are paused.
#[derive(Debug, Default)]
pub struct Freezer {
    /// Whether any is, which is all that most calls have to know.
    any: AtomicBool,
    containers: Mutex<BTreeSet<u32>>,
}

impl Freezer {
    /// Whether a container is.
    #[must_use]
    pub fn holds(&self, container: u32) -> bool {
        self.any.load(Ordering::SeqCst) && self.containers.lock().contains(&container)
    }

    fn set(&self, container: u32, paused: bool) {
        let mut containers = self.containers.lock();
        if paused {
            containers.insert(container);
        } else {
            containers.remove(&container);
        }
        self.any.store(!containers.is_empty(), Ordering::SeqCst);
    }
}

impl Kernel {
    /// Pauses a container, and waits on a thread that is none of the kernel's until no guest code of it runs any more.
    ///
    /// # Errors
    /// `ETIMEDOUT` if that takes longer than `patience`; nothing is paused then.
    pub fn freeze(&self, container: u32, patience: Duration) -> Result<(), Errno> {
        self.freezer.set(container, true);
        let deadline = Instant::now() + patience;
        loop {
            let running = self.tasks_of(container).into_iter().filter(|task| task.runs()).collect::<Vec<_>>();
            if running.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                self.thaw(container);
                return Err(Errno::ETIMEDOUT);
            }
            executor::turn(|| running.iter().for_each(|task| task.interrupt_thread()));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets every task of a container go on.
    pub fn thaw(&self, container: u32) {
        self.freezer.set(container, false);
        executor::turn(|| self.tasks_of(container).iter().for_each(|task| task.wake()));
    }

    fn tasks_of(&self, container: u32) -> Vec<Arc<Task>> {
        let own = |group: &&Arc<ThreadGroup>| group.container.load(Ordering::Relaxed) == container;
        self.pids.groups().iter().filter(own).flat_map(|group| group.tasks()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_container_is_paused_without_another() {
        let freezer = Freezer::default();
        freezer.set(3, true);
        assert!(freezer.holds(3) && !freezer.holds(0));
        freezer.set(0, true);
        freezer.set(3, false);
        assert!(freezer.holds(0) && !freezer.holds(3));
        freezer.set(0, false);
        assert!(!freezer.holds(0));
    }
}

//! Pausing a sandbox: no task goes on to guest code until it is resumed.
//!
//! The flag works as a demand for attention does ([`crate::signal`]): whoever freezes sets it and then interrupts every task whose thread runs; a task
//! marks itself as running, resumes its thread, and then looks at the flag. One side sees the other. A task that waits in a call stays there;
//! when the call ends it comes to rest before its result reaches the guest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use abi::Errno;

use crate::{Kernel, Task, executor};

/// Whether the sandbox is paused.
#[derive(Debug, Default)]
pub struct Freezer(AtomicBool);

impl Freezer {
    /// Whether it is.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Kernel {
    /// Pauses, and waits on a thread that is none of the kernel's until no guest code runs any more.
    ///
    /// # Errors
    /// `ETIMEDOUT` if that takes longer than `patience`; nothing is paused then.
    pub fn freeze(&self, patience: Duration) -> Result<(), Errno> {
        self.freezer.0.store(true, Ordering::SeqCst);
        let deadline = Instant::now() + patience;
        loop {
            let running = self.tasks().into_iter().filter(|task| task.runs()).collect::<Vec<_>>();
            if running.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                self.thaw();
                return Err(Errno::ETIMEDOUT);
            }
            executor::turn(|| running.iter().for_each(|task| task.interrupt_thread()));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets every task go on.
    pub fn thaw(&self) {
        self.freezer.0.store(false, Ordering::SeqCst);
        executor::turn(|| self.tasks().iter().for_each(|task| task.wake()));
    }

    fn tasks(&self) -> Vec<Arc<Task>> {
        self.pids.groups().iter().flat_map(|group| group.tasks()).collect()
    }
}

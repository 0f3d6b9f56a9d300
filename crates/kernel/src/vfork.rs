//! The wait of a vfork(2) parent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vfs::{Events, WaitQueue};

use crate::{Task, wait};

struct Gate {
    open: AtomicBool,
    queue: Arc<WaitQueue>,
}

/// The child's end: dropping it lets the parent go on.
pub struct Release(Arc<Gate>);

/// The parent's end.
pub struct Wait(Arc<Gate>);

/// Both ends.
#[must_use]
pub fn gate() -> (Release, Wait) {
    let gate = Arc::new(Gate { open: AtomicBool::new(false), queue: WaitQueue::new() });
    (Release(Arc::clone(&gate)), Wait(gate))
}

impl Drop for Release {
    fn drop(&mut self) {
        self.0.open.store(true, Ordering::Release);
        self.0.queue.notify(Events::IN);
    }
}

impl Wait {
    /// Waits until the child has executed a program or ended. No signal ends this wait but one that kills the process.
    pub async fn opened(self, task: &Arc<Task>) {
        wait::regardless(task, &self.0.queue, || self.0.open.load(Ordering::Acquire).then_some(())).await;
    }
}

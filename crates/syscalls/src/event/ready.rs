//! Waiting until one of several files is ready.

use std::sync::Arc;
use std::time::Instant;

use abi::Errno;
use kernel::{Task, wait};
use vfs::{Events, OpenFile};

/// A file and what is asked of it.
pub(super) struct Entry {
    pub(super) file: Arc<OpenFile>,
    pub(super) interest: Events,
}

impl Entry {
    /// Errors and hang-ups are always of interest.
    fn ready(&self) -> Events {
        self.file.poll() & (self.interest | Events::ERR | Events::HUP)
    }
}

/// When to give up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// At once.
    Now,
    /// At this time.
    Deadline(Instant),
    /// Never.
    Forever,
}

/// What each file is ready for, when at least one is, or at the deadline none.
///
/// # Errors
/// `ERESTARTSYS` if a signal came first.
pub(super) async fn wait_for_any(
    task: &Arc<Task>,
    entries: &[Entry],
    until: Until,
) -> Result<Vec<Events>, Errno> {
    let look = || {
        let ready: Vec<Events> = entries.iter().map(Entry::ready).collect();
        if ready.iter().all(Events::is_empty) { Err(Errno::EAGAIN) } else { Ok(ready) }
    };
    let none = || vec![Events::empty(); entries.len()];
    let deadline = match (look(), until) {
        (Err(Errno::EAGAIN), Until::Now) => return Ok(none()),
        (Err(Errno::EAGAIN), Until::Deadline(at)) => Some(at),
        (Err(Errno::EAGAIN), Until::Forever) => None,
        (ready, _) => return ready,
    };
    let queues = entries.iter().filter_map(|e| Some((e.file.file.readiness()?, e.interest)));
    let _registrations: Vec<_> =
        queues.map(|(queue, interest)| queue.register(interest, task.listener())).collect();
    match wait::condition(task, deadline, look).await {
        Err(Errno::ETIMEDOUT) => Ok(none()),
        ready => ready,
    }
}

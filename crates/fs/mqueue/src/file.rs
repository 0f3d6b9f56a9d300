//! An open queue.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use vfs::{Events, File, Sink, WaitQueue};

use crate::queue::Queue;

/// A queue that is open. Its messages are those of mq_send(3) and mq_receive(3); read(2) tells of it.
pub struct QueueFile {
    queue: Arc<Queue>,
    /// Tells this description from others.
    id: u64,
}

impl QueueFile {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { queue, id: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// The queue.
    #[must_use]
    pub const fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Its number, for [`Queue::register`].
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }
}

impl File for QueueFile {
    fn read(&self, offset: u64, into: &mut dyn Sink) -> Result<usize, Errno> {
        let status = self.queue.status();
        let text = format!(
            "QSIZE:{:<10} NOTIFY:{:<5} SIGNO:{:<5} NOTIFY_PID:{:<6}\n",
            status.bytes, 0, status.signal, status.process
        );
        let rest = usize::try_from(offset).ok().and_then(|at| text.as_bytes().get(at..)).unwrap_or_default();
        if rest.is_empty() { Ok(0) } else { into.put(rest) }
    }

    fn poll(&self) -> Events {
        self.queue.poll()
    }

    fn readiness(&self) -> Option<&Arc<WaitQueue>> {
        Some(&self.queue.changed)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for QueueFile {
    fn drop(&mut self) {
        self.queue.closed(self.id);
    }
}

//! Files that somebody polls, by the number under which the server tells that they may be ready.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use vfs::{Events, WaitQueue};

/// Them.
#[derive(Default)]
pub(crate) struct Polls(Mutex<HashMap<u64, Weak<WaitQueue>>>);

impl Polls {
    /// A file may be ready.
    pub(crate) fn wake(&self, handle: u64) {
        let queue = self.0.lock().get(&handle).and_then(Weak::upgrade);
        if let Some(queue) = queue {
            queue.notify(Events::all());
        }
    }

    /// A file is polled.
    #[expect(dead_code, reason = "POLL is not asked yet")]
    pub(super) fn add(&self, handle: u64, queue: &Arc<WaitQueue>) {
        self.0.lock().insert(handle, Arc::downgrade(queue));
    }
}

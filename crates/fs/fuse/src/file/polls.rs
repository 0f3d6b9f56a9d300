//! Files that somebody polls, by the number under which the server tells that they may be ready.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use vfs::{Events, WaitQueue};

/// Them.
#[derive(Default)]
pub(crate) struct Polls {
    by_number: Mutex<HashMap<u64, Weak<WaitQueue>>>,
    last: AtomicU64,
}

impl Polls {
    /// A number for a file that is opened.
    pub(super) fn number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// A file may be ready.
    pub(crate) fn wake(&self, number: u64) {
        let queue = self.by_number.lock().get(&number).and_then(Weak::upgrade);
        if let Some(queue) = queue {
            queue.notify(Events::all());
        }
    }

    /// A file is polled.
    pub(super) fn add(&self, number: u64, queue: &Arc<WaitQueue>) {
        self.by_number.lock().entry(number).or_insert_with(|| Arc::downgrade(queue));
    }

    /// A file is closed.
    pub(super) fn remove(&self, number: u64) {
        self.by_number.lock().remove(&number);
    }
}

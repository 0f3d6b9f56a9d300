//! Sockets that wait for room somewhere else.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use vfs::{Events, WaitQueue};

use crate::Core;

/// Sockets that found no room in a queue that is not theirs. Each is told once, on its own readiness, and then comes
/// again. One entry a socket, so a guest cannot make it longer than it has sockets.
#[derive(Debug, Default)]
pub struct Waiters {
    waiting: HashMap<u64, Weak<WaitQueue>>,
}

impl Waiters {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a socket.
    pub fn add(&mut self, core: &Core) {
        self.waiting.insert(core.id, Arc::downgrade(&core.readiness));
    }

    /// Takes all out, to be told once the lock is gone.
    pub fn take(&mut self) -> Woken {
        Woken(self.waiting.drain().map(|(_, w)| w).collect())
    }
}

/// Sockets that shall be told to try again.
#[must_use]
pub struct Woken(Vec<Weak<WaitQueue>>);

impl Woken {
    /// Tells them.
    pub fn notify(self) {
        for queue in self.0.iter().filter_map(Weak::upgrade) {
            queue.notify(Events::OUT | Events::WRNORM);
        }
    }
}

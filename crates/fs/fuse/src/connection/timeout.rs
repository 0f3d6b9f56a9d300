//! Servers that want it so (`REQUEST_TIMEOUT`) are done with when they do not answer for too long.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::Connection;

/// How often is looked, as in Linux, and the least that a request may wait.
const EVERY: Duration = Duration::from_secs(15);

/// The connections that are looked after, and for how long each of their requests may wait. One thread looks after all, as long as there is any.
static WATCHED: Mutex<Vec<(Weak<Connection>, Duration)>> = Mutex::new(Vec::new());

/// Looks after a connection for as long as it is there. Without a thread for that nobody does.
pub(super) fn watch(connection: &Arc<Connection>, limit: Duration) {
    let mut watched = WATCHED.lock();
    watched.push((Arc::downgrade(connection), limit.max(EVERY)));
    if watched.len() > 1 {
        return;
    }
    if let Err(error) = std::thread::Builder::new().name(String::from("fuse-timeout")).spawn(look_after) {
        watched.clear();
        tracing::warn!(%error, "the requests of a FUSE server are not timed");
    }
}

fn look_after() {
    loop {
        std::thread::sleep(EVERY);
        let watched = WATCHED.lock().clone();
        for (connection, limit) in watched {
            if let Some(connection) = connection.upgrade().filter(|connection| connection.is_late(limit)) {
                connection.abort();
            }
        }
        let mut watched = WATCHED.lock();
        watched.retain(|(connection, _)| connection.upgrade().is_some_and(|c| c.is_connected()));
        if watched.is_empty() {
            return;
        }
    }
}

impl Connection {
    fn is_late(&self, limit: Duration) -> bool {
        self.queues.lock().oldest().is_some_and(|asked| asked.elapsed() > limit)
    }
}

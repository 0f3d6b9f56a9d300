//! Servers that want it so (`REQUEST_TIMEOUT`) are done with when they do not answer for too long.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Connection;

/// How often is looked, as in Linux.
const EVERY: Duration = Duration::from_secs(15);

/// Looks after a connection for as long as it is there. Without a thread for that nobody does.
pub(super) fn watch(connection: &Arc<Connection>, limit: Duration) {
    let connection = Arc::downgrade(connection);
    let thread = std::thread::Builder::new().name(String::from("fuse-timeout"));
    let spawned = thread.spawn(move || {
        while look(&connection, limit) {
            std::thread::sleep(EVERY);
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "the requests of a FUSE server are not timed");
    }
}

/// False once there is nothing to look after.
fn look(connection: &Weak<Connection>, limit: Duration) -> bool {
    let Some(connection) = connection.upgrade().filter(|connection| connection.is_connected()) else {
        return false;
    };
    let late = connection.queues.lock().oldest().is_some_and(|made| made.elapsed() > limit);
    if late {
        connection.abort();
    }
    !late
}

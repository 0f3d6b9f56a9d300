//! What was written into caches goes to the servers after a while, also if nobody asks for it.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::node::Node;

/// How long content may wait to be sent.
const PATIENCE: Duration = Duration::from_secs(5);

/// Files with something to send, and since when. There is a thread that looks after them as long as there are any.
static WAITING: Mutex<Vec<(Instant, Weak<Node>)>> = Mutex::new(Vec::new());

/// Sees to it that the content of a file is sent.
pub(super) fn remember(node: &Arc<Node>) {
    if !node.notice_for_flusher() {
        return;
    }
    let mut waiting = WAITING.lock();
    waiting.push((Instant::now(), Arc::downgrade(node)));
    if waiting.len() == 1 {
        let thread = std::thread::Builder::new().name(String::from("fuse-flusher"));
        if thread.spawn(work).is_err() {
            // The next who writes tries again.
            waiting.clear();
            node.forgotten_by_flusher();
        }
    }
}

/// Sends what has waited for long enough, until nothing waits.
fn work() {
    loop {
        std::thread::sleep(PATIENCE);
        let due: Vec<Arc<Node>> = {
            let waiting = WAITING.lock();
            let due = waiting.iter().filter(|(since, _)| since.elapsed() >= PATIENCE);
            due.filter_map(|(_, node)| node.upgrade()).collect()
        };
        for node in &due {
            node.forgotten_by_flusher();
            node.write_back_later();
        }
        let mut waiting = WAITING.lock();
        waiting.retain(|(since, node)| since.elapsed() < PATIENCE && node.strong_count() > 0);
        if waiting.is_empty() {
            return;
        }
    }
}

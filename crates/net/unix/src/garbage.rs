//! Sockets that only their own queues refer to.
//!
//! A program may send a socket through itself, or two through each other, and then close its descriptors: nobody can ever receive
//! them, and nothing else frees them. As in Linux, closing any AF_UNIX socket looks for such garbage while sockets are in flight. A
//! socket is garbage if all its references lie in queues (counted by [`Flight`]), and none of those queues can be reached from a
//! socket that somebody holds. The queues of garbage are emptied, which frees it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use socket::{Flight, SocketFile, flight};
use vfs::OpenFile;

type Candidates = HashMap<u64, (Arc<OpenFile>, usize)>;

/// One search in so many closes for each socket in flight: the cost of a close stays constant on average.
const SOCKETS_PER_CLOSE: usize = 16;

/// Runs the search from time to time.
#[derive(Default)]
pub(crate) struct Collector {
    running: AtomicBool,
    /// Closes to wait for before the next search.
    wait: AtomicUsize,
}

impl Collector {
    /// A socket was closed; searches if it is time.
    pub(crate) fn socket_closed(&self, flight: &Flight) {
        let wait = self.wait.load(Ordering::Relaxed);
        if wait > 0 {
            self.wait.store(wait.saturating_sub(1), Ordering::Relaxed);
            return;
        }
        // Freeing garbage closes sockets: those do not start a search within the search.
        if !flight.has_sockets() || self.running.swap(true, Ordering::Acquire) {
            return;
        }
        let (garbage, seen) = flight.candidates(|candidates| {
            let seen = candidates.len();
            (unreachable(candidates), seen)
        });
        self.wait.store(seen / SOCKETS_PER_CLOSE, Ordering::Relaxed);
        for file in &garbage {
            if let Some(file) = SocketFile::of(file) {
                file.socket().purge();
            }
        }
        drop(garbage);
        self.running.store(false, Ordering::Release);
    }
}

/// The candidates that no queue outside of them refers to, directly or through other candidates.
fn unreachable(mut candidates: Candidates) -> Vec<Arc<OpenFile>> {
    let mut queues: HashMap<u64, Vec<u64>> = HashMap::new();
    let mut inside: HashMap<u64, usize> = HashMap::new();
    for (id, (file, _)) in &candidates {
        let queued = SocketFile::of(file).map_or_else(Vec::new, |f| f.socket().queued_files());
        let queued: Vec<u64> = queued.iter().map(|f| f.id).filter(|id| candidates.contains_key(id)).collect();
        for id in &queued {
            let count = inside.entry(*id).or_insert(0);
            *count = count.saturating_add(1);
        }
        queues.insert(*id, queued);
    }
    let referred_from_outside = |(id, (_, count)): (&u64, &(Arc<OpenFile>, usize))| {
        (inside.get(id).copied().unwrap_or(0) < *count).then_some(*id)
    };
    let mut reachable: Vec<u64> = candidates.iter().filter_map(referred_from_outside).collect();
    while let Some(id) = reachable.pop() {
        candidates.remove(&id);
        for queued in queues.remove(&id).unwrap_or_default() {
            if candidates.contains_key(&queued) {
                reachable.push(queued);
            }
        }
    }
    // A reference that was taken while this ran means that the search saw two different moments: leave all for the next one.
    if candidates.values().all(|(file, count)| flight::is_unreferenced(file, *count)) {
        candidates.into_values().map(|(file, _)| file).collect()
    } else {
        Vec::new()
    }
}

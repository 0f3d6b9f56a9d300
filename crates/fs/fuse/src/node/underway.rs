//! Names that a server is being asked for: whoever wants the same waits for that answer, also where a directory's names are looked up at once.

use std::collections::HashSet;
use std::sync::Arc;

use abi::Errno;
use parking_lot::Mutex;
use vfs::waiting::{self, Patience};
use vfs::{Events, WaitQueue};

/// The names of a directory that are under way: no more than there are callers.
pub(super) struct UnderWay {
    names: Mutex<HashSet<Box<[u8]>>>,
    free: Arc<WaitQueue>,
}

/// A name under way, until this is dropped.
pub(super) struct Asking<'a> {
    all: &'a UnderWay,
    name: &'a [u8],
}

impl Default for UnderWay {
    fn default() -> Self {
        Self { names: Mutex::default(), free: WaitQueue::new() }
    }
}

impl UnderWay {
    /// Waits until nobody asks for the name, and does it.
    ///
    /// # Errors
    /// `EINTR` for a caller that is killed.
    pub(super) fn ask<'a>(&'a self, name: &'a [u8]) -> Result<Asking<'a>, Errno> {
        match waiting::until(&self.free, Patience::Killable, || self.names.lock().insert(Box::from(name))) {
            Ok(()) => Ok(Asking { all: self, name }),
            Err(Errno::ERESTARTSYS) => Err(Errno::EINTR),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.all.names.lock().remove(self.name);
        self.all.free.notify(Events::all());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_asked_for_once_and_others_beside_it() {
        let all = UnderWay::default();
        let first = all.ask(b"a").unwrap();
        let _other = all.ask(b"b").unwrap();
        assert_eq!(all.names.lock().len(), 2);
        std::thread::scope(|threads| {
            let second = threads.spawn(|| drop(all.ask(b"a").unwrap()));
            while all.free.is_empty() {
                std::thread::yield_now();
            }
            assert!(!second.is_finished());
            drop(first);
            second.join().unwrap();
        });
        assert_eq!(all.names.lock().len(), 1);
    }
}

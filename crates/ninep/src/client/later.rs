//! Changes that nobody waits for.
//!
//! A server answers in order: what is asked next finds them made. Who sends one must know that it will be made, or have somebody left to tell if it was not.

use std::sync::atomic::{AtomicU32, Ordering};

use abi::Errno;
use parking_lot::Mutex;

use crate::Attr;

/// What becomes of the changes of one file.
#[derive(Debug, Default)]
pub struct Later {
    /// How many are not answered yet.
    waiting: AtomicU32,
    answer: Mutex<Option<Attr>>,
    failure: Mutex<Option<Errno>>,
}

impl Later {
    /// Whether some are not answered yet.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// What the file was like after the last change, if the server has said so since this was asked last.
    pub fn answer(&self) -> Option<Attr> {
        self.answer.lock().take()
    }

    /// The first error since this was asked last.
    pub fn failure(&self) -> Option<Errno> {
        self.failure.lock().take()
    }

    pub(super) fn begins(&self) {
        self.waiting.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn told(&self, told: Result<Attr, Errno>) {
        match told {
            Ok(attr) => *self.answer.lock() = Some(attr),
            Err(errno) => {
                self.failure.lock().get_or_insert(errno);
            }
        }
        self.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

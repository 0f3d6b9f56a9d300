//! Asynchronous I/O: io_setup(2) and its relatives.
//!
//! Reads and writes are carried out when they are submitted, as Linux does for all but direct I/O; what they came to is an event of the
//! context. Requests to poll a file wait in the context until it is ready.

mod context;
mod poll;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use parking_lot::Mutex;

pub use context::{Context, Notice};

/// Requests that all contexts of a sandbox may be made for: `/proc/sys/fs/aio-max-nr`.
pub const REQUESTS_MAX: u64 = 65_536;

/// How many requests the contexts of a sandbox are made for.
#[derive(Default)]
pub struct Requests(AtomicU64);

impl Requests {
    /// `/proc/sys/fs/aio-nr`.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts a context's.
    ///
    /// # Errors
    /// `EAGAIN` if there would be too many.
    fn take(self: &Arc<Self>, count: u64) -> Result<Share, Errno> {
        let add = |used: u64| used.checked_add(count).filter(|sum| *sum <= REQUESTS_MAX);
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add) {
            Ok(_) => Ok(Share { of: Arc::clone(self), count }),
            Err(_) => Err(Errno::EAGAIN),
        }
    }
}

/// What one context takes of them.
struct Share {
    of: Arc<Requests>,
    count: u64,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.count, Ordering::Relaxed);
    }
}

/// The contexts of an address space, by their ids. A child of fork(2) has none.
#[derive(Default)]
pub struct Contexts(Mutex<BTreeMap<u64, Arc<Context>>>);

impl Contexts {
    /// A context for so many requests.
    ///
    /// # Errors
    /// `EAGAIN` over [`REQUESTS_MAX`].
    pub fn prepare(requests: &Arc<Requests>, count: u32) -> Result<Arc<Context>, Errno> {
        Ok(Context::new(requests.take(count.into())?, count))
    }

    /// Enters it under an id.
    pub fn enter(&self, id: u64, context: Arc<Context>) {
        let old = self.0.lock().insert(id, context);
        drop(old);
    }

    /// The context of an id.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn find(&self, id: u64) -> Result<Arc<Context>, Errno> {
        self.0.lock().get(&id).cloned().ok_or(Errno::EINVAL)
    }

    /// Takes it out, and ends what waits in it and for it.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn remove(&self, id: u64) -> Result<(), Errno> {
        let context = self.0.lock().remove(&id).ok_or(Errno::EINVAL)?;
        context.end();
        Ok(())
    }
}

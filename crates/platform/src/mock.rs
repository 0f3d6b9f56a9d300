//! A platform without a host: memory in a map, threads driven by the test.
//!
//! For unit tests of the kernel. A test makes a [`MockPlatform`], lets the kernel create a process on it, and then plays
//! the guest: [`MockThread::stop`] queues what the guest does, [`MockPlatform::run`] delivers everything queued (also what
//! the kernel's own calls cause, such as [`Stop::Performed`]) on the caller's thread, and [`MockThread::take_resume`]
//! tells how the kernel answered.
//!
//! Rules of the real platform are kept: a thread's stop is delivered only while it runs, [`Stop::Gone`] is the last one and
//! comes once, and no observer is ever called from within a call that the kernel makes.

mod memory;
mod thread;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use parking_lot::Mutex;

pub use memory::MockMemory;
pub use thread::MockThread;

use crate::{Observer, Platform, Stop, Thread};

/// Lowest and highest address of a mock guest, and what is kept back for a stub that is not there.
const ADDRESSES: core::ops::Range<u64> = 0x1_0000..0x7fff_ffff_f000;
const RESERVED: core::ops::Range<u64> = 0x7ff0_0000_0000..0x7ff1_0000_0000;

/// Who is to hear of which stop of which thread.
type Waiting = (Arc<dyn Observer>, Option<Arc<MockThread>>, Stop);

/// Stops that wait for [`MockPlatform::run`].
#[derive(Default)]
pub(crate) struct Queue(Mutex<VecDeque<Waiting>>);

impl Queue {
    /// A stop of `thread`, delivered when its turn comes; without a thread, delivered whatever the state.
    fn push(&self, observer: Arc<dyn Observer>, thread: Option<Arc<MockThread>>, stop: Stop) {
        self.0.lock().push_back((observer, thread, stop));
    }
}

/// The mock [`Platform`].
#[derive(Default)]
pub struct MockPlatform {
    queue: Arc<Queue>,
    threads: Arc<Mutex<Vec<Arc<MockThread>>>>,
    next_memory: Arc<AtomicU64>,
    refuse: AtomicU64,
}

impl MockPlatform {
    /// A platform without processes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every thread ever made, in order of creation.
    #[must_use]
    pub fn threads(&self) -> Vec<Arc<MockThread>> {
        self.threads.lock().clone()
    }

    /// Delivers what is queued, and what that causes, until nothing is left.
    pub fn run(&self) {
        loop {
            let next = self.queue.0.lock().pop_front();
            let Some((observer, thread, stop)) = next else { return };
            if thread.is_none_or(|t| t.accept(&stop)) {
                observer.stopped(stop);
                observer.afterwards();
            }
        }
    }

    /// The next `count` calls of [`Platform::create_process`] fail with `EAGAIN`.
    pub fn refuse_processes(&self, count: u64) {
        self.refuse.store(count, Ordering::Relaxed);
    }
}

impl Platform for MockPlatform {
    fn create_process(&self, observer: Arc<dyn Observer>) -> Result<Arc<dyn Thread>, Errno> {
        if self.refuse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
            return Err(Errno::EAGAIN);
        }
        let memory = Arc::new(MockMemory::new(self.next_memory.fetch_add(1, Ordering::Relaxed)));
        let world = thread::World {
            queue: Arc::clone(&self.queue),
            threads: Arc::clone(&self.threads),
            next_memory: Arc::clone(&self.next_memory),
        };
        Ok(MockThread::first(world, observer, memory))
    }

    fn vdso(&self) -> Option<u64> {
        None
    }

    fn address_range(&self) -> core::ops::Range<u64> {
        ADDRESSES
    }

    fn reserved_range(&self) -> core::ops::Range<u64> {
        RESERVED
    }
}

#[cfg(test)]
mod tests;

//! Waiting in the middle of an operation: for filesystems whose server is itself a process of the sandbox.
//!
//! Everything else in this crate fails with `EAGAIN` where it cannot go on. A path walk that needs an answer from a FUSE server cannot: it
//! would have to be done again from its beginning. So it waits where it is, on the thread that carries it, and whoever runs that thread sees
//! to it that what the thread does for others goes on elsewhere.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use abi::Errno;
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::{Credentials, Events, Listener, WaitQueue};

/// What ends a wait before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Any signal that the caller takes.
    Interruptible,
    /// The end of the caller's process.
    Killable,
    /// Nothing.
    Endless,
}

/// On whose behalf the calling thread works.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Thread id.
    pub tid: i32,
    /// Who it is.
    pub credentials: Arc<Credentials>,
    /// The id of its table of descriptors.
    pub files: u64,
    /// umask(2).
    pub umask: u32,
    /// Whether it is about to end: it waits for nothing any more.
    pub leaving: bool,
}

/// Who runs the threads: the kernel.
pub trait Host: Send + Sync {
    /// What the thread does for others goes to another thread: it is about to wait.
    ///
    /// # Errors
    /// `ENOMEM` if there can be no other thread.
    fn step_aside(&self) -> Result<(), Errno>;

    /// Waits until `attempt` says that it has come, which the queue announces, or until a deadline.
    ///
    /// # Errors
    /// `ERESTARTSYS` if the patience ended first; `ENOMEM` as for [`Self::step_aside`].
    fn until(
        &self,
        queue: &Arc<WaitQueue>,
        patience: Patience,
        deadline: Option<Instant>,
        attempt: &mut dyn FnMut() -> bool,
    ) -> Result<(), Errno>;

    /// Takes a lock whose holder may wait for a server: others take over, and the calling task is seen to wait.
    fn locked_out(&self, lock: &mut dyn FnMut());

    /// The calling task; nothing for a thread that works for none.
    fn identity(&self) -> Option<Identity>;
}

static HOST: OnceLock<Box<dyn Host>> = OnceLock::new();

/// Says who runs the threads. The first to do so stays.
pub fn set_host(host: Box<dyn Host>) {
    let _ = HOST.set(host);
}

/// As [`Host::until`].
///
/// # Errors
/// As there.
pub fn until(queue: &Arc<WaitQueue>, patience: Patience, attempt: impl FnMut() -> bool) -> Result<(), Errno> {
    until_deadline(queue, patience, None, attempt)
}

/// As [`until`], and at the latest until a deadline.
///
/// # Errors
/// As [`Host::until`].
pub fn until_deadline(
    queue: &Arc<WaitQueue>,
    patience: Patience,
    deadline: Option<Instant>,
    mut attempt: impl FnMut() -> bool,
) -> Result<(), Errno> {
    if attempt() {
        return Ok(());
    }
    match HOST.get() {
        Some(host) => host.until(queue, patience, deadline, &mut attempt),
        None => {
            let parker = Parker::new();
            let _registration = queue.register(Events::all(), Arc::clone(&parker) as Arc<dyn Listener>);
            while !attempt() && parker.park_until(deadline) {}
            Ok(())
        }
    }
}

/// As [`Host::identity`].
#[must_use]
pub fn identity() -> Option<Identity> {
    HOST.get().and_then(|host| host.identity())
}

/// Where one thread waits until it is told to look again.
#[derive(Default)]
pub struct Parker {
    told: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    /// A place to wait.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Waits until [`Self::unpark`] has been called since the last time.
    pub fn park(&self) {
        let mut told = self.told.lock();
        while !std::mem::take(&mut *told) {
            self.changed.wait(&mut told);
        }
    }

    /// As [`Self::park`], and at the latest until a deadline: false if that ended it.
    #[must_use]
    pub fn park_until(&self, deadline: Option<Instant>) -> bool {
        let Some(deadline) = deadline else {
            self.park();
            return true;
        };
        let mut told = self.told.lock();
        while !std::mem::take(&mut *told) {
            if self.changed.wait_until(&mut told, deadline).timed_out() {
                return false;
            }
        }
        true
    }

    /// Ends the wait, or the next one.
    pub fn unpark(&self) {
        *self.told.lock() = true;
        self.changed.notify_all();
    }
}

impl Listener for Parker {
    fn notify(&self, _: Events) {
        self.unpark();
    }
}

/// A lock that may be held over a wait of this kind.
#[derive(Debug, Default)]
pub struct SleepLock<T>(Mutex<T>);

impl<T> SleepLock<T> {
    /// How long it is worth waiting for the lock before others are asked to take over.
    const BRIEFLY: Duration = Duration::from_micros(200);

    /// An open lock.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Takes it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        if let Some(guard) = self.0.try_lock() {
            return guard;
        }
        if let Some(guard) = self.0.try_lock_for(Self::BRIEFLY) {
            return guard;
        }
        let Some(host) = HOST.get() else { return self.0.lock() };
        let mut guard = None;
        host.locked_out(&mut || guard = Some(self.0.lock()));
        guard.unwrap_or_else(|| self.0.lock())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_wait_ends_when_what_it_is_for_has_come() {
        let (queue, come) = (WaitQueue::new(), Arc::new(AtomicBool::new(false)));
        let other = {
            let (queue, come) = (Arc::clone(&queue), Arc::clone(&come));
            std::thread::spawn(move || {
                while queue.is_empty() {
                    std::thread::yield_now();
                }
                queue.notify(Events::IN);
                come.store(true, Ordering::SeqCst);
                queue.notify(Events::IN);
            })
        };
        assert_eq!(until(&queue, Patience::Endless, || come.load(Ordering::SeqCst)), Ok(()));
        other.join().unwrap();
        assert!(queue.is_empty());
    }
}

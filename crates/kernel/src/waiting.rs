//! Waiting on the thread that carries a call, in the middle of an operation: see [`vfs::waiting`] and
//! `docs/decisions/0010-waiting-for-servers-inside.md`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use abi::Errno;
use parking_lot::Mutex;
use vfs::waiting::{Host, Identity, Parker, Patience};
use vfs::{Events, Listener, WaitQueue};

use crate::{Task, current, executor, signal};

/// A wait in the middle of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A signal ends it.
    Interruptible = 1,
    /// No signal but one that ends the process, if any.
    Uninterruptible,
}

/// Where a task's thread waits, for those who wake the task.
#[derive(Default)]
pub(crate) struct Parked {
    /// A [`Wait`], or zero.
    waits: AtomicU8,
    parker: Mutex<Option<Arc<Parker>>>,
}

impl Parked {
    /// Has the thread look again, if it waits. May be called under any lock.
    pub(crate) fn unpark(&self) {
        if self.waits.load(Ordering::SeqCst) != 0
            && let Some(parker) = &*self.parker.lock()
        {
            parker.unpark();
        }
    }

    /// How it waits, if it does.
    pub(crate) fn wait(&self) -> Option<Wait> {
        match self.waits.load(Ordering::SeqCst) {
            0 => None,
            waits if waits == Wait::Interruptible as u8 => Some(Wait::Interruptible),
            _ => Some(Wait::Uninterruptible),
        }
    }

    /// It waits from here on, or no longer. Returns what was true before.
    fn set(&self, wait: Option<Wait>, parker: Option<Arc<Parker>>) -> (Option<Wait>, Option<Arc<Parker>>) {
        let outer = self.wait();
        self.waits.store(wait.map_or(0, |wait| wait as u8), Ordering::SeqCst);
        (outer, std::mem::replace(&mut *self.parker.lock(), parker))
    }
}

/// The kernel as the VFS knows it.
pub struct Threads;

impl Host for Threads {
    fn step_aside(&self) -> Result<(), Errno> {
        if let Some(thread) = current::task().and_then(|task| task.thread()) {
            thread.call_waits();
        }
        executor::step_aside()
    }

    fn until(
        &self,
        queue: &Arc<WaitQueue>,
        patience: Patience,
        deadline: Option<Instant>,
        attempt: &mut dyn FnMut() -> bool,
    ) -> Result<(), Errno> {
        let parker = Parker::new();
        let _registration = queue.register(Events::all(), Arc::clone(&parker) as Arc<dyn Listener>);
        let task = current::task();
        let wait = match patience {
            Patience::Interruptible => Wait::Interruptible,
            Patience::Killable | Patience::Endless => Wait::Uninterruptible,
        };
        let outer = task.as_ref().map(|task| task.parked.set(Some(wait), Some(Arc::clone(&parker))));
        let result = self.wait(task.as_ref(), &parker, (patience, deadline), attempt);
        if let (Some(task), Some((wait, parker))) = (&task, outer) {
            drop(task.parked.set(wait, parker));
        }
        result
    }

    fn locked_out(&self, lock: &mut dyn FnMut()) {
        // Without another thread there is nothing better than to wait all the same.
        let _ = self.step_aside();
        let task = current::task();
        let outer = task.as_ref().map(|task| task.parked.set(Some(Wait::Uninterruptible), None));
        lock();
        if let (Some(task), Some((wait, parker))) = (&task, outer) {
            drop(task.parked.set(wait, parker));
        }
    }

    fn identity(&self) -> Option<Identity> {
        let task = current::task()?;
        Some(Identity {
            tid: task.tid(),
            credentials: Arc::clone(&task.credentials()),
            files: task.files().id,
            umask: task.fs_now().umask,
            leaving: task.is_leaving() || task.group.exiting().is_some(),
        })
    }
}

impl Threads {
    fn wait(
        &self,
        task: Option<&Arc<Task>>,
        parker: &Parker,
        (patience, deadline): (Patience, Option<Instant>),
        attempt: &mut dyn FnMut() -> bool,
    ) -> Result<(), Errno> {
        let mut aside = false;
        loop {
            if attempt() {
                return Ok(());
            }
            if task.is_some_and(|task| loses(task, patience)) {
                return Err(Errno::ERESTARTSYS);
            }
            if !aside {
                self.step_aside()?;
                aside = true;
            }
            if !parker.park_until(deadline) {
                return Ok(());
            }
        }
    }
}

/// Whether a task has lost its patience.
fn loses(task: &Arc<Task>, patience: Patience) -> bool {
    match patience {
        Patience::Interruptible => task.interrupted() || signal::is_doomed(task),
        Patience::Killable => signal::is_doomed(task),
        Patience::Endless => false,
    }
}

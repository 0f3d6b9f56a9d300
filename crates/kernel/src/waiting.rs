//! Waiting on the thread that carries a call, in the middle of an operation: see [`vfs::waiting`] and
//! `docs/decisions/0010-waiting-for-servers-inside.md`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use abi::Errno;
use parking_lot::Mutex;
use vfs::waiting::{Host, Identity, Parker, Patience};
use vfs::{Events, Listener, WaitQueue};

use crate::{Task, current, executor, signal};

/// Where a task's thread waits, for those who wake the task.
#[derive(Default)]
pub(crate) struct Parked {
    waits: AtomicBool,
    parker: Mutex<Option<Arc<Parker>>>,
}

impl Parked {
    /// Has the thread look again, if it waits. May be called under any lock.
    pub(crate) fn unpark(&self) {
        if self.waits.load(Ordering::SeqCst)
            && let Some(parker) = &*self.parker.lock()
        {
            parker.unpark();
        }
    }

    fn set(&self, parker: Option<Arc<Parker>>) -> Option<Arc<Parker>> {
        self.waits.store(parker.is_some(), Ordering::SeqCst);
        std::mem::replace(&mut *self.parker.lock(), parker)
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
        attempt: &mut dyn FnMut() -> bool,
    ) -> Result<(), Errno> {
        let parker = Parker::new();
        let _registration = queue.register(Events::all(), Arc::clone(&parker) as Arc<dyn Listener>);
        let task = current::task();
        let outer = task.as_ref().and_then(|task| task.parked.set(Some(Arc::clone(&parker))));
        let result = self.wait(task.as_ref(), &parker, patience, attempt);
        if let Some(task) = &task {
            drop(task.parked.set(outer));
        }
        result
    }

    fn identity(&self) -> Option<Identity> {
        let task = current::task()?;
        Some(Identity {
            tid: task.tid(),
            credentials: task.credentials(),
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
        patience: Patience,
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
            parker.park();
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

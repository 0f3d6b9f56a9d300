//! A task: one thread of a guest process.

mod cell;
mod stops;

use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use vfs::{Credentials, FdTable, Listener};

use crate::executor::{Run, Schedule};
use crate::wait::TaskListener;
use crate::{AddressSpace, FsContext, Kernel};

pub use cell::{Call, Work};
pub use stops::Binding;

/// A task.
pub struct Task {
    /// What it shares with the whole sandbox.
    pub kernel: Arc<Kernel>,
    /// Thread id.
    pub tid: i32,
    this: Weak<Self>,
    listener: Arc<dyn Listener>,
    schedule: Schedule,
    cell: Mutex<cell::Cell>,
    /// Set when a signal or a kill wants this task out of its wait.
    interrupt: AtomicBool,
    files: RwLock<Arc<FdTable>>,
    fs: RwLock<Arc<Mutex<FsContext>>>,
    space: RwLock<Arc<AddressSpace>>,
    credentials: RwLock<Arc<Credentials>>,
}

impl Task {
    /// Its descriptors.
    #[must_use]
    pub fn files(&self) -> Arc<FdTable> {
        Arc::clone(&self.files.read())
    }

    /// Its place in the filesystem.
    #[must_use]
    pub fn fs(&self) -> Arc<Mutex<FsContext>> {
        Arc::clone(&self.fs.read())
    }

    /// Its memory layout.
    #[must_use]
    pub fn space(&self) -> Arc<AddressSpace> {
        Arc::clone(&self.space.read())
    }

    /// Its memory.
    #[must_use]
    pub fn memory(&self) -> Arc<dyn platform::Memory> {
        Arc::clone(&self.space.read().memory)
    }

    /// Who it is.
    #[must_use]
    pub fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(&self.credentials.read())
    }

    /// What wakes it.
    #[must_use]
    pub fn listener(&self) -> Arc<dyn Listener> {
        Arc::clone(&self.listener)
    }

    /// Whether its current wait should end for a signal.
    #[must_use]
    pub fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Acquire)
    }

    /// Has its parked call polled.
    pub fn wake(&self) {
        self.schedule.wake(|| match self.this.upgrade() {
            Some(task) => task,
            None => Arc::new(Nothing) as Arc<dyn Run>,
        });
    }
}

impl Run for Task {
    fn run(self: Arc<Self>) {
        crate::current::with(&self, || self.schedule.run(|| self.step()));
    }
}

struct Nothing;

impl Run for Nothing {
    fn run(self: Arc<Self>) {}
}

#[expect(dead_code, reason = "used when tasks are made")]
fn listener_of(task: &Weak<Task>) -> Arc<dyn Listener> {
    Arc::new(TaskListener(Weak::clone(task)))
}

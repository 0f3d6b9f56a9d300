//! A process of a container, as containerd knows it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::messages::{TaskIo, status};
use crate::reaper::Exit;
use crate::streams::Held;

/// What it is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A further process that was only described.
    Described,
    /// The first one, which waits to be started.
    Created(i32),
    Running(i32),
    Ended(i32, Exit),
}

impl Stage {
    /// Its number on the host: of what stands there for it.
    pub(crate) fn pid(self) -> u32 {
        match self {
            Self::Described => 0,
            Self::Created(pid) | Self::Running(pid) | Self::Ended(pid, _) => u32::try_from(pid).unwrap_or(0),
        }
    }

    pub(crate) fn exit(self) -> Option<Exit> {
        match self {
            Self::Ended(_, exit) => Some(exit),
            _ => None,
        }
    }

    pub(crate) fn status(self) -> u32 {
        match self {
            Self::Described | Self::Created(_) => status::CREATED,
            Self::Running(_) => status::RUNNING,
            Self::Ended(..) => status::STOPPED,
        }
    }
}

/// The container's first process, or a further one.
#[derive(Debug)]
pub(crate) struct Process {
    /// Nothing for the first.
    pub(crate) exec_id: String,
    /// Where its standard descriptors lead.
    pub(crate) io: TaskIo,
    /// Of a further one: its description as in a configuration.
    pub(crate) spec: Vec<u8>,
    pub(crate) held: Mutex<Held>,
    stage: Mutex<Stage>,
    changed: Condvar,
}

impl Process {
    pub(crate) fn new(exec_id: String, io: TaskIo, spec: Vec<u8>, stage: Stage, held: Held) -> Self {
        Self { exec_id, io, spec, held: Mutex::new(held), stage: Mutex::new(stage), changed: Condvar::new() }
    }

    pub(crate) fn stage(&self) -> Stage {
        *self.lock()
    }

    /// It is at something else from now on.
    pub(crate) fn enter(&self, stage: Stage) {
        *self.lock() = stage;
        self.changed.notify_all();
    }

    /// Waits for its end.
    pub(crate) fn wait(&self) -> Exit {
        let mut stage = self.lock();
        loop {
            if let Some(exit) = stage.exit() {
                return exit;
            }
            stage = self.changed.wait(stage).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for its end, but not for ever.
    pub(crate) fn wait_for(&self, limit: Duration) -> Option<Exit> {
        let waited = self.changed.wait_timeout_while(self.lock(), limit, |stage| stage.exit().is_none());
        let (stage, _) = waited.unwrap_or_else(PoisonError::into_inner);
        stage.exit()
    }

    /// It is forgotten without ever having run: whoever waits for its end waits no longer.
    pub(crate) fn never_ran(&self) {
        self.enter(Stage::Ended(0, Exit { status: 0, at: SystemTime::now() }));
    }

    /// What the shim holds for it.
    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of what the shim holds for it.
    pub(crate) fn release(&self) {
        let held = std::mem::take(&mut *self.held());
        held.finish();
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

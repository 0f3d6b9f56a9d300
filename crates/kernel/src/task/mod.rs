//! A task: one thread of a guest process.

pub mod attributes;
mod cell;
mod mapping;
pub mod memory_policy;
pub mod scheduling;
mod settle;
mod stops;
mod threads;

use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::task::{Wake, Waker};

use arc_swap::{ArcSwap, Guard};
use parking_lot::{Mutex, MutexGuard, RwLock};
use vfs::{Credentials, FdTable, Listener};

use crate::executor::{Run, Schedule};
use crate::fs_context::SharedFs;
use crate::ipc::UndoList;
use crate::memory::TaskMemory;
use crate::namespace::Namespaces;
use crate::seccomp::Seccomp;
use crate::signal::TaskSignals;
use crate::vfork::Release;
use crate::wait::TaskListener;
use crate::{AddressSpace, FsContext, Kernel, ThreadGroup};

pub use attributes::{Attributes, Comm};
pub(crate) use cell::Rest;
pub use cell::{Call, Work};
use stops::Arrival;
pub use stops::Binding;

/// A task.
pub struct Task {
    /// What it shares with the whole sandbox.
    pub kernel: Arc<Kernel>,
    /// The process it belongs to.
    pub group: Arc<ThreadGroup>,
    /// Its signals.
    pub signals: TaskSignals,
    tid: AtomicI32,
    this: Weak<Self>,
    listener: Arc<dyn Listener>,
    schedule: Schedule,
    cell: Mutex<cell::Cell>,
    left: cell::Left,
    /// Counts the host threads that it had: see [`Binding`].
    generation: AtomicU64,
    waker: Waker,
    /// Set when it is on its way out, so that its host thread's end is no surprise.
    leaving: AtomicBool,
    files: ArcSwap<FdTable>,
    fs: ArcSwap<SharedFs>,
    space: ArcSwap<AddressSpace>,
    credentials: ArcSwap<Credentials>,
    namespaces: RwLock<Arc<Namespaces>>,
    attributes: Mutex<Attributes>,
    /// Where the thread that carries its call waits, if it does so in the middle of an operation.
    pub(crate) parked: crate::waiting::Parked,
    /// Its control group.
    pub(crate) control: Mutex<crate::control_group::Entry>,
    /// Why it may not run, if it may not.
    pub(crate) held: crate::control_group::Held,
    /// Whether it was about to map a file when it was last heard of.
    maps: AtomicBool,
    /// Whether `attributes.seccomp` is anything but off.
    filtered: AtomicBool,
    /// Semaphore operations to be undone.
    pub(crate) undo: Mutex<Option<Arc<UndoList>>>,
    /// For a child made by vfork(2): lets the parent go on.
    vfork: Mutex<Option<Release>>,
}

/// What a new task is made of.
pub struct Parts {
    /// Its id.
    pub tid: i32,
    /// The process it will belong to.
    pub group: Arc<ThreadGroup>,
    /// Its signals.
    pub signals: TaskSignals,
    /// Its descriptors.
    pub files: Arc<FdTable>,
    /// Its place in the filesystem.
    pub fs: Arc<SharedFs>,
    /// Its memory: [`AddressSpace::none`] before the first program.
    pub space: Arc<AddressSpace>,
    /// Who it is.
    pub credentials: Arc<Credentials>,
    /// Its namespaces but for its mounts.
    pub namespaces: Arc<Namespaces>,
    /// Its settings.
    pub attributes: Attributes,
}

impl Task {
    /// A task that no thread carries yet.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            kernel: Arc::clone(&parts.group.kernel),
            group: parts.group,
            signals: parts.signals,
            tid: AtomicI32::new(parts.tid),
            this: Weak::clone(this),
            listener: Arc::new(TaskListener(Weak::clone(this))),
            schedule: Schedule::default(),
            cell: Mutex::default(),
            left: cell::Left::default(),
            generation: AtomicU64::new(0),
            waker: Waker::from(Arc::new(TaskWaker(Weak::clone(this)))),
            leaving: AtomicBool::new(false),
            files: ArcSwap::new(parts.files),
            fs: ArcSwap::new(parts.fs),
            space: ArcSwap::new(parts.space),
            credentials: ArcSwap::new(parts.credentials),
            namespaces: RwLock::new(parts.namespaces),
            filtered: AtomicBool::new(parts.attributes.seccomp.mode() != 0),
            attributes: Mutex::new(parts.attributes),
            parked: crate::waiting::Parked::default(),
            control: Mutex::default(),
            held: crate::control_group::Held::default(),
            maps: AtomicBool::new(false),
            undo: Mutex::new(None),
            vfork: Mutex::new(None),
        })
    }

    /// Thread id. It changes once at most: when a thread that is not the leader executes a program, it takes over the leader's.
    #[must_use]
    pub fn tid(&self) -> i32 {
        self.tid.load(Ordering::Relaxed)
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.group.pid
    }

    pub(crate) fn become_leader(&self) {
        self.tid.store(self.group.pid, Ordering::Relaxed);
    }

    /// Its descriptors.
    #[must_use]
    pub fn files(&self) -> Guard<Arc<FdTable>> {
        self.files.load()
    }

    /// Gives it other descriptors, and returns the old ones: they close when nobody shares them and the caller drops them.
    #[must_use]
    pub fn replace_files(&self, files: Arc<FdTable>) -> Arc<FdTable> {
        self.files.swap(files)
    }

    /// Its place in the filesystem.
    #[must_use]
    pub fn fs(&self) -> Guard<Arc<SharedFs>> {
        self.fs.load()
    }

    /// Its place in the filesystem as it is now.
    #[must_use]
    pub fn fs_now(&self) -> Guard<Arc<FsContext>> {
        self.fs.load().now()
    }

    /// Gives it a place in the filesystem of its own.
    pub fn set_fs(&self, fs: Arc<SharedFs>) {
        self.fs.store(fs);
    }

    /// Its memory layout.
    #[must_use]
    pub fn space(&self) -> Guard<Arc<AddressSpace>> {
        self.space.load()
    }

    /// Gives it another memory. Returns the old one.
    pub(crate) fn replace_space(&self, space: Arc<AddressSpace>) -> Arc<AddressSpace> {
        self.space.swap(space)
    }

    /// Its memory. After its end, one in which every access fails.
    #[must_use]
    pub fn memory(&self) -> TaskMemory {
        TaskMemory::of(self.space.load())
    }

    /// Who it is.
    #[must_use]
    pub fn credentials(&self) -> Guard<Arc<Credentials>> {
        self.credentials.load()
    }

    /// Its namespaces but for its mounts.
    #[must_use]
    pub fn namespaces(&self) -> Arc<Namespaces> {
        Arc::clone(&self.namespaces.read())
    }

    /// Gives it other namespaces.
    pub fn set_namespaces(&self, namespaces: Namespaces) {
        let old = std::mem::replace(&mut *self.namespaces.write(), Arc::new(namespaces));
        drop(old);
    }

    /// Makes it somebody else.
    pub fn set_credentials(&self, credentials: Credentials) {
        self.credentials.store(Arc::new(credentials));
        self.publish_again();
    }

    /// `PR_SET_NO_NEW_PRIVS`.
    pub fn forbid_new_privileges(&self) {
        self.credentials.rcu(|old| match old.no_new_privileges {
            true => Arc::clone(old),
            false => Arc::new(Credentials { no_new_privileges: true, ..(**old).clone() }),
        });
    }

    /// Whether its system calls are judged before they are carried out.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        self.filtered.load(Ordering::Relaxed)
    }

    /// Says what applies to its system calls.
    pub(crate) fn set_seccomp(&self, seccomp: Seccomp) {
        self.filtered.store(seccomp.mode() != 0, Ordering::Relaxed);
        let old = std::mem::replace(&mut self.attributes().seccomp, seccomp);
        drop(old);
    }

    /// As [`Self::set_credentials`] after a call that sets ids: if the effective ones changed, others may no longer look into its memory and
    /// its parent's death signal is forgotten, as in Linux.
    pub fn change_credentials(&self, new: Credentials) {
        let old = self.credentials();
        if (old.euid, old.egid, old.fsuid, old.fsgid) != (new.euid, new.egid, new.fsuid, new.fsgid) {
            self.space().image.lock().dumpable = false;
            self.attributes().parent_death_signal = 0;
        }
        self.set_credentials(new);
    }

    /// Its settings, to read or change. The guard is a lock of the highest rank: take no other under it.
    pub fn attributes(&self) -> MutexGuard<'_, Attributes> {
        self.attributes.lock()
    }

    /// What wakes it.
    #[must_use]
    pub fn listener(&self) -> Arc<dyn Listener> {
        Arc::clone(&self.listener)
    }

    /// Whether its current wait should end for a signal. Takes locks of rank 3, if one has come.
    #[must_use]
    pub fn interrupted(&self) -> bool {
        crate::signal::has_work(self)
    }

    /// Whether it has begun to end.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    pub(crate) fn set_leaving(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    /// Notes who waits for it to execute a program or end.
    pub(crate) fn set_vfork(&self, release: Release) {
        *self.vfork.lock() = Some(release);
    }

    /// Lets the parent of a vfork(2) go on.
    pub(crate) fn finish_vfork(&self) {
        let release = self.vfork.lock().take();
        drop(release);
    }

    /// Has its parked call polled.
    pub fn wake(&self) {
        self.parked.unpark();
        self.schedule.wake(|| match self.this.upgrade() {
            Some(task) => task,
            None => Arc::new(Nothing) as Arc<dyn Run>,
        });
    }
}

impl Run for Task {
    fn run(self: Arc<Self>) {
        let mut run = || crate::current::with(&self, || self.schedule.run(|| self.guarded_step(None)));
        match self.thread() {
            // Its next call may come at once, and on another processor: the step has to be over by then.
            Some(thread) => thread.resumed_after(&mut run),
            None => run(),
        }
    }
}

impl Task {
    /// A bug that a guest finds in a handler ends that guest's process, and nobody else's.
    fn guarded_step(self: &Arc<Self>, arrival: Option<Arrival<'_>>) {
        let step = std::panic::AssertUnwindSafe(|| self.step(arrival));
        if std::panic::catch_unwind(step).is_err() {
            tracing::error!(pid = self.pid(), tid = self.tid(), "a bug of the sentry: the process is killed");
            crate::exit::exit_group(&self.group, crate::ExitStatus::KILLED);
        }
    }
}

/// Wakes a task's parked call.
struct TaskWaker(Weak<Task>);

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(task) = self.0.upgrade() {
            task.wake();
        }
    }
}

struct Nothing;

impl Run for Nothing {
    fn run(self: Arc<Self>) {}
}

//! A thread group: what programs call a process.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::time::Instant;

use abi::Errno;
use parking_lot::Mutex;
use vfs::{Events, WaitQueue};

use crate::accounting::{Consumption, Usage};
use crate::control_group::GroupId;
use crate::limits::Limits;
use crate::namespace::Pids;
use crate::signal::GroupSignals;
use crate::task::Comm;
use crate::task::scheduling::Scheduling;
use crate::{ExitStatus, Kernel, Task};

/// A process.
pub struct ThreadGroup {
    /// What it shares with the whole sandbox.
    pub kernel: Arc<Kernel>,
    /// Process id: that of its leader.
    pub pid: i32,
    /// The pid namespace that it was born in.
    pub pids: Arc<Pids>,
    /// Its signals.
    pub signals: GroupSignals,
    /// Resource limits.
    pub limits: Mutex<Limits>,
    /// What ended threads and earlier images used, and children that were waited for.
    pub usage: Mutex<Usage>,
    /// The signal that the parent gets when it ends; 0 for none.
    pub exit_signal: AtomicI32,
    /// Whether execve(2) was called since it was forked (setpgid(2) wants to know).
    pub executed: AtomicBool,
    /// Whether it was started from outside, so that its end is kept for [`Kernel::wait_for_end`].
    pub detached: bool,
    /// Which container of the sandbox it belongs to: 0 for the first. Its children belong to the same.
    pub container: AtomicU32,
    /// When it was made.
    pub started: Instant,
    /// Added to the host's score when memory runs out: /proc/PID/oom_score_adj, -1000 to 1000.
    pub oom_score_adjustment: AtomicI32,
    /// The control groups of its first thread, which has ended.
    pub(crate) zombie: Mutex<Vec<GroupId>>,
    /// What it had used when it came into its control group, by the root of the hierarchy.
    pub(crate) used_elsewhere: Mutex<HashMap<GroupId, Consumption>>,
    /// What of its last thread is told of a zombie.
    last: Mutex<Last>,
    /// Notified when a child changes state: for wait(2).
    pub children_changed: Arc<WaitQueue>,
    /// Notified when the process has ended: for pidfds and the control server.
    pub ended: Arc<WaitQueue>,
    /// Notified when a thread has ended: for execve(2).
    pub(crate) tasks_changed: Arc<WaitQueue>,
    pub(crate) state: Mutex<State>,
}

/// What is still known of a process after its last thread has ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Last {
    /// Its name.
    pub comm: Comm,
    /// Its niceness.
    pub nice: i32,
    /// Its policy.
    pub scheduling: Scheduling,
}

/// Who belongs to a process and how it goes down.
#[derive(Default)]
pub(crate) struct State {
    /// Threads that have not ended, in the order of creation.
    pub(crate) tasks: Vec<Arc<Task>>,
    /// Set once by exit_group(2), a fatal signal or the last thread's exit(2).
    pub(crate) exit: Option<ExitStatus>,
    /// The thread that is executing a new program and has the others killed.
    pub(crate) executing: Option<i32>,
}

impl ThreadGroup {
    /// A process without threads.
    #[must_use]
    pub fn new(
        kernel: Arc<Kernel>,
        (pid, pids): (i32, &Arc<Pids>),
        signals: GroupSignals,
        limits: Limits,
        exit_signal: i32,
        detached: bool,
    ) -> Arc<Self> {
        let group = Arc::new(Self {
            kernel,
            pid,
            pids: Arc::clone(pids),
            signals,
            limits: Mutex::new(limits),
            usage: Mutex::default(),
            exit_signal: AtomicI32::new(exit_signal),
            executed: AtomicBool::new(false),
            detached,
            container: AtomicU32::new(0),
            started: Instant::now(),
            oom_score_adjustment: AtomicI32::new(0),
            zombie: Mutex::default(),
            used_elsewhere: Mutex::default(),
            last: Mutex::default(),
            children_changed: WaitQueue::new(),
            ended: WaitQueue::new(),
            tasks_changed: WaitQueue::new(),
            state: Mutex::default(),
        });
        crate::time::limit::watch(&group);
        group
    }

    /// Its living threads, in the order of creation.
    #[must_use]
    pub fn tasks(&self) -> Vec<Arc<Task>> {
        self.state.lock().tasks.clone()
    }

    /// The leader if it lives, or else the eldest living thread.
    #[must_use]
    pub fn representative(&self) -> Option<Arc<Task>> {
        let state = self.state.lock();
        let leader = state.tasks.iter().find(|t| t.tid() == self.pid);
        leader.or_else(|| state.tasks.first()).cloned()
    }

    /// How it was told to end, if it was.
    #[must_use]
    pub fn exiting(&self) -> Option<ExitStatus> {
        self.state.lock().exit
    }

    /// Adds a new thread.
    ///
    /// # Errors
    /// `EAGAIN` if the process is ending or all but one thread are about to.
    pub(crate) fn add_task(&self, task: &Arc<Task>) -> Result<(), Errno> {
        let mut state = self.state.lock();
        if state.exit.is_some() || state.executing.is_some() {
            return Err(Errno::EAGAIN);
        }
        state.tasks.push(Arc::clone(task));
        let count = state.tasks.len();
        drop(state);
        if count > 1 {
            crate::time::process::thread_added(&task.group);
        }
        Ok(())
    }

    /// What it used so far: its host process, and those of earlier program images.
    #[must_use]
    pub fn consumption(&self) -> Consumption {
        let past = self.usage.lock().past;
        let thread = self.representative().and_then(|task| task.thread());
        thread.map_or(past, |thread| past.plus(thread.process_cpu_time().into()))
    }

    /// The most memory that its programs had resident, in KiB.
    pub async fn peak_resident(&self) -> u64 {
        let past = self.usage.lock().past_peak.clone();
        past.exact().await.max(self.present_peak())
    }

    /// That of the present program; 0 once it has ended.
    fn present_peak(&self) -> u64 {
        let text = self.representative().and_then(|task| task.memory().host_text("status").ok());
        let line = text.as_deref().and_then(|t| t.lines().find_map(|line| line.strip_prefix("VmHWM:")));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    /// What its last thread was, for a zombie.
    #[must_use]
    pub fn last(&self) -> Last {
        *self.last.lock()
    }

    /// Takes an ended thread out. Whether it was the last one; nothing if it was not in.
    pub(crate) fn remove_task(&self, task: &Task) -> Option<bool> {
        let (removed, last) = {
            let mut state = self.state.lock();
            let at = state.tasks.iter().position(|t| std::ptr::eq(Arc::as_ptr(t), task));
            (at.map(|at| state.tasks.remove(at)), state.tasks.is_empty())
        };
        let removed = removed?;
        if last {
            let attributes = removed.attributes();
            let last =
                Last { comm: attributes.comm, nice: attributes.nice, scheduling: attributes.scheduling };
            drop(attributes);
            *self.last.lock() = last;
        }
        drop(removed);
        self.tasks_changed.notify(Events::IN);
        Some(last)
    }

    /// The parent's process id, 0 if it has none.
    #[must_use]
    pub fn parent(&self) -> i32 {
        self.kernel.pids.ask(self.pid, |r| r.parent).unwrap_or(0)
    }

    /// Its process group.
    #[must_use]
    pub fn process_group(&self) -> i32 {
        self.kernel.pids.ask(self.pid, |r| r.process_group).unwrap_or(0)
    }

    /// Its session.
    #[must_use]
    pub fn session(&self) -> i32 {
        self.kernel.pids.ask(self.pid, |r| r.session).unwrap_or(0)
    }

    /// Tells the parent that the process was stopped by a signal: wait(2) with `WUNTRACED`, and SIGCHLD.
    pub fn notify_parent_stopped(self: &Arc<Self>, signal: i32) {
        crate::exit::notify::stopped(self, signal);
    }

    /// Tells the parent that the process goes on after SIGCONT: wait(2) with `WCONTINUED`, and SIGCHLD.
    pub fn notify_parent_continued(self: &Arc<Self>) {
        crate::exit::notify::continued(self);
    }

    /// Whether execve(2) was called since the fork.
    #[must_use]
    pub fn has_executed(&self) -> bool {
        self.executed.load(Ordering::Relaxed)
    }
}

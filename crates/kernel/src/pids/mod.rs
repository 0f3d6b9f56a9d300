//! Process and thread ids, and what can be found by them.

mod groups;
pub mod relations;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use parking_lot::Mutex;

pub use relations::{Aftermath, Ended, Home, JobEvent, Relation, Relations, Session};

use crate::namespace::Pids;
use crate::{Task, ThreadGroup, control_group};

/// The id of the first process, which adopts orphans and takes all others with it when it ends.
pub const INIT: i32 = 1;
/// Ids are below this: `/proc/sys/kernel/pid_max`.
pub const PID_MAX: i32 = 4_194_304;
/// The most threads that may exist at once: `/proc/sys/kernel/threads-max`.
pub const THREADS_MAX: usize = 32_768;
/// The container whose limits are those of the whole sandbox.
const WHOLE: u32 = 0;

/// The initial pid namespace, which all processes have a number in. What they have in others is kept by [`Pids`].
#[derive(Default)]
pub struct PidNamespace {
    inner: Mutex<Inner>,
}

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) relations: Relations,
    /// By thread id.
    tasks: HashMap<i32, Slot>,
    /// By process id; zombies too.
    groups: HashMap<i32, Arc<ThreadGroup>>,
    last: i32,
    /// The innermost namespaces of ids that have numbers in others than the initial one.
    nested: HashMap<i32, Arc<Pids>>,
    /// The most threads that may exist at once, if fewer than [`THREADS_MAX`], by container. That of the first holds for all together.
    limits: HashMap<u32, usize>,
}

/// What a thread id is taken by.
enum Slot {
    /// A thread of this container, which is being made.
    Reserved(u32),
    /// A thread.
    Living(Arc<Task>),
}

impl Slot {
    fn task(&self) -> Option<&Arc<Task>> {
        match self {
            Self::Reserved(_) => None,
            Self::Living(task) => Some(task),
        }
    }

    fn container(&self) -> u32 {
        match self {
            Self::Reserved(container) => *container,
            Self::Living(task) => task.group.container.load(Ordering::Relaxed),
        }
    }
}

impl Inner {
    /// Forgets a zombie. What comes back is to be dropped without the lock.
    pub(crate) fn reap(&mut self, pid: i32) -> Option<Arc<ThreadGroup>> {
        let relation = self.relations.get(pid).map(|r| (r.process_group, r.session));
        self.relations.reap(pid);
        let group = self.groups.remove(&pid);
        if let Some((process_group, session)) = relation {
            [pid, process_group, session].iter().for_each(|id| self.release(*id));
        }
        group
    }

    /// Forgets the further numbers of an id that nothing is called by any longer.
    pub(crate) fn release(&mut self, id: i32) {
        if self.nested.is_empty() || self.tasks.contains_key(&id) || self.relations.uses(id) {
            return;
        }
        if let Some(pids) = self.nested.remove(&id) {
            pids.upward().for_each(|at| at.forget(id));
        }
    }

    pub(crate) fn group(&self, pid: i32) -> Option<Arc<ThreadGroup>> {
        self.groups.get(&pid).cloned()
    }

    /// What a limit of the pids controller counts: threads, and first threads that have ended and were not waited for.
    fn counted(&self, container: u32) -> usize {
        let zombies = self.groups.values().filter(|group| !self.tasks.contains_key(&group.pid));
        if container == WHOLE {
            return self.tasks.len() + zombies.count();
        }
        let own = zombies.filter(|group| group.container.load(Ordering::Relaxed) == container);
        self.tasks.values().filter(|slot| slot.container() == container).count() + own.count()
    }

    /// Whether a container may have no more threads.
    fn is_full(&self, container: u32) -> bool {
        let reached = |of: u32| self.limits.get(&of).is_some_and(|limit| self.counted(of) >= *limit);
        self.tasks.len() >= THREADS_MAX || reached(WHOLE) || container != WHOLE && reached(container)
    }
}

/// An id that is taken for a thread to be. Dropping it gives it back, unless the thread was entered.
pub struct Reservation {
    kernel: Arc<crate::Kernel>,
    /// The id.
    pub id: i32,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut inner = self.kernel.pids.inner.lock();
        if matches!(inner.tasks.get(&self.id), Some(Slot::Reserved(_))) {
            inner.tasks.remove(&self.id);
            inner.release(self.id);
        }
    }
}

impl PidNamespace {
    /// Works on the relations and groups under the namespace's lock (rank 1).
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Inner) -> R) -> R {
        act(&mut self.inner.lock())
    }

    /// Takes the next free id for a thread of a container, with numbers in a namespace and all above it: those that are wanted, from the
    /// innermost on, and the next free ones.
    ///
    /// # Errors
    /// `EAGAIN` when there are [`THREADS_MAX`] threads, or as many as the sandbox or the container is limited to; those of [`Pids::take`].
    pub fn reserve(
        &self,
        kernel: &Arc<crate::Kernel>,
        pids: &Arc<Pids>,
        container: u32,
        wanted: &[i32],
    ) -> Result<Reservation, Errno> {
        let mut inner = self.inner.lock();
        if inner.is_full(container) {
            return Err(Errno::EAGAIN);
        }
        let outermost = usize::try_from(pids.level).ok().and_then(|level| wanted.get(level).copied());
        if outermost.is_some_and(|id| inner.tasks.contains_key(&id) || inner.relations.uses(id)) {
            return Err(Errno::EEXIST);
        }
        let mut id = inner.last;
        while outermost.is_none() {
            // Low ids are not used again: Linux keeps those below 300 for the first round too.
            id = if id.saturating_add(1) >= PID_MAX { 300 } else { id + 1 };
            if !inner.tasks.contains_key(&id) && !inner.relations.uses(id) {
                break;
            }
        }
        match outermost {
            Some(wanted) => id = wanted,
            None => inner.last = id,
        }
        let mut wanted = wanted.iter().copied();
        for at in pids.upward() {
            if let Err(errno) = at.take(id, wanted.next()) {
                pids.upward().for_each(|at| at.forget(id));
                return Err(errno);
            }
        }
        if !pids.is_initial() {
            inner.nested.insert(id, Arc::clone(pids));
        }
        inner.tasks.insert(id, Slot::Reserved(container));
        Ok(Reservation { kernel: Arc::clone(kernel), id })
    }

    /// Takes the id of the first process, so that others can come before it.
    ///
    /// # Errors
    /// `EAGAIN` if there is a first process.
    pub fn reserve_init(&self, kernel: &Arc<crate::Kernel>) -> Result<Reservation, Errno> {
        let mut inner = self.inner.lock();
        if inner.tasks.contains_key(&INIT) || inner.relations.uses(INIT) {
            return Err(Errno::EAGAIN);
        }
        inner.last = inner.last.max(INIT);
        inner.tasks.insert(INIT, Slot::Reserved(WHOLE));
        Ok(Reservation { kernel: Arc::clone(kernel), id: INIT })
    }

    /// Bounds how many threads a container may have at once; those that are there stay. The first container's bound is the sandbox's.
    pub fn set_limit(&self, container: u32, limit: Option<usize>) {
        let limits = &mut self.inner.lock().limits;
        match limit {
            Some(limit) => limits.insert(container, limit),
            None => limits.remove(&container),
        };
    }

    /// How many threads a container may have, if that is bounded.
    #[must_use]
    pub fn limit(&self, container: u32) -> Option<usize> {
        self.inner.lock().limits.get(&container).copied()
    }

    /// How many threads a container has, zombies included: what its limit is held against.
    #[must_use]
    pub fn counted(&self, container: u32) -> usize {
        self.inner.lock().counted(container)
    }

    /// Enters a thread under its id.
    pub(crate) fn enter_task(&self, task: &Arc<Task>) {
        self.inner.lock().tasks.insert(task.tid(), Slot::Living(Arc::clone(task)));
    }

    /// Enters a new process with its only thread, if `still` agrees: that is asked under the lock that senders of signals to groups of
    /// processes take too.
    pub(crate) fn enter_child(
        &self,
        child: &Arc<Task>,
        parent: i32,
        parent_tid: i32,
        still: impl FnOnce() -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let mut inner = self.inner.lock();
        still()?;
        let pid = child.group.pid;
        inner.relations.insert(pid, parent, parent_tid);
        inner.groups.insert(pid, Arc::clone(&child.group));
        inner.tasks.insert(child.tid(), Slot::Living(Arc::clone(child)));
        Ok(())
    }

    /// How many threads a real user has.
    #[must_use]
    pub fn tasks_of(&self, uid: u32) -> usize {
        let inner = self.inner.lock();
        inner.tasks.values().filter_map(Slot::task).filter(|t| t.credentials().uid == uid).count()
    }

    /// Enters a process as the child of another (0: of nobody).
    #[cfg(test)]
    pub(crate) fn enter_group(&self, group: &Arc<ThreadGroup>, parent: i32, parent_tid: i32) {
        let mut inner = self.inner.lock();
        inner.relations.insert(group.pid, parent, parent_tid);
        inner.groups.insert(group.pid, Arc::clone(group));
    }

    /// Forgets a thread.
    pub(crate) fn remove_task(&self, tid: i32) {
        let mut inner = self.inner.lock();
        let task = inner.tasks.remove(&tid);
        inner.release(tid);
        drop(inner);
        drop(task);
    }

    /// Forgets a process that never was.
    pub(crate) fn withdraw(&self, pid: i32) {
        let mut inner = self.inner.lock();
        let forgotten = (inner.tasks.remove(&pid), inner.reap(pid));
        drop(inner);
        forgotten.1.iter().for_each(|group| control_group::forget_zombie(group));
        drop(forgotten);
    }

    /// Forgets a zombie.
    pub(crate) fn reap(&self, pid: i32) {
        let group = self.inner.lock().reap(pid);
        group.iter().for_each(|group| control_group::forget_zombie(group));
        drop(group);
    }

    /// A living thread.
    #[must_use]
    pub fn task(&self, tid: i32) -> Option<Arc<Task>> {
        self.inner.lock().tasks.get(&tid).and_then(Slot::task).cloned()
    }

    /// A process, zombies too.
    #[must_use]
    pub fn group(&self, pid: i32) -> Option<Arc<ThreadGroup>> {
        self.inner.lock().group(pid)
    }

    /// All processes, zombies too, by id.
    #[must_use]
    pub fn groups(&self) -> Vec<Arc<ThreadGroup>> {
        let inner = self.inner.lock();
        inner.relations.pids().filter_map(|pid| inner.group(pid)).collect()
    }

    /// How many threads there are.
    #[must_use]
    pub fn task_count(&self) -> usize {
        self.inner.lock().tasks.len()
    }

    /// The id given out last, as /proc/loadavg shows it.
    #[must_use]
    pub fn last_id(&self) -> i32 {
        self.inner.lock().last
    }

    /// Has a process adopt orphans below it, or not: prctl(2) `PR_SET_CHILD_SUBREAPER`.
    pub fn set_subreaper(&self, pid: i32, on: bool) {
        if let Some(relation) = self.inner.lock().relations.get_mut(pid) {
            relation.subreaper = on;
        }
    }

    /// How a process stands to others.
    #[must_use]
    pub fn relation(&self, pid: i32) -> Option<Relation> {
        self.ask(pid, Relation::clone)
    }

    /// What `question` wants to know of how a process stands to others. It is asked under the lock of all processes.
    pub fn ask<R>(&self, pid: i32, question: impl FnOnce(&Relation) -> R) -> Option<R> {
        self.inner.lock().relations.get(pid).map(question)
    }
}

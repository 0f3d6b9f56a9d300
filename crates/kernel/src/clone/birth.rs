//! A child that is entered and that the host has yet to make.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use abi::clone::CloneFlags;
use platform::CloneMemory;
use vfs::{Events, Fd, OpenFlags};

use super::{CloneRequest, child};
use crate::control_group::Admission;
use crate::limits::Resource;
use crate::memory::UserPtr;
use crate::task::Binding;
use crate::{Task, control_group, pidfd};

/// See the module. Dropped before it is carried out, it leaves no trace.
pub struct Birth {
    parent: Arc<Task>,
    child: Arc<Task>,
    launched: Launched,
    /// What the host is to be asked.
    host: Option<platform::CloneRequest>,
    /// Whether it is certain that there will be a child.
    certain: bool,
}

/// What is needed to take a child back that the host could not make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Launched {
    /// Its thread id.
    tid: i32,
    /// The same as the parent knows it.
    number: i32,
    thread: bool,
    pidfd: Option<Fd>,
}

impl Birth {
    /// Makes a child and enters it where others can find it.
    ///
    /// # Errors
    /// As [`super::clone`].
    pub(super) fn prepare(task: &Arc<Task>, request: &CloneRequest) -> Result<Self, Errno> {
        let has = |wanted: CloneFlags| request.flags.contains(wanted);
        let heritage = child::heritage(task, request)?;
        let pids = Arc::clone(&heritage.namespaces.pids);
        let container = task.group.container.load(Ordering::Relaxed);
        let reservation = task.kernel.pids.reserve(&task.kernel, &pids, container, request.ids.as_slice())?;
        let admission = Admission::take(task, request.control_group)?;
        let id = reservation.id;
        let child = child::make(task, id, request, heritage)?;
        let number = task.pids().shown(id);
        let memory = child::memory(request.flags);
        let mut host = platform::CloneRequest::new(Binding::first(&child), memory);
        host.tls = has(CloneFlags::SETTLS).then_some(request.tls);
        host.stack = (request.stack != 0).then_some(request.stack);
        host.clear_child_tid = has(CloneFlags::CHILD_CLEARTID).then_some(request.child_tid);
        let pidfd =
            if has(CloneFlags::PIDFD) { Some(open_pidfd(task, &child, request.pidfd)?) } else { None };
        if let Err(errno) = child::enter(task, &child, request.flags, admission) {
            close(task, pidfd);
            return Err(errno);
        }
        // The number is told where it is wanted; as in Linux, an address that faults is the caller's loss.
        if has(CloneFlags::PARENT_SETTID) {
            let _ = UserPtr::<i32>::new(request.parent_tid).write(&*task.memory(), &number);
        }
        if has(CloneFlags::CHILD_SETTID) {
            if memory == CloneMemory::Copy {
                child.set_first_tid_address(request.child_tid);
            } else {
                let own = child.own_tid();
                let _ = UserPtr::<i32>::new(request.child_tid).write(&*task.memory(), &own);
            }
        }
        // One in another user namespace has other numbers for its users.
        let same = !request.flags.intersects(CloneFlags::VFORK | CloneFlags::NEWUSER);
        if task.signals.is_outside() && same {
            let unsigned = |id: i32| u64::try_from(id).unwrap_or_default();
            host.published = Some((unsigned(child.own_pid()), unsigned(child.own_tid())));
            host.answered = child.may_be_answered_beside();
            child.expect_published();
        }
        let launched = Launched { tid: id, number, thread: has(CloneFlags::THREAD), pidfd };
        Ok(Self { parent: Arc::clone(task), child, launched, host: Some(host), certain: false })
    }

    /// The child's thread id, as the parent knows it.
    #[must_use]
    pub const fn number(&self) -> i32 {
        self.launched.number
    }

    pub(super) fn child(&self) -> &Arc<Task> {
        &self.child
    }

    /// Has the host make the child while the parent, whose call came with registers, waits.
    ///
    /// # Errors
    /// `EAGAIN` if it cannot.
    pub(super) async fn carry_out(mut self, task: &Arc<Task>) -> Result<(), Errno> {
        let host = self.host.take().ok_or(Errno::EAGAIN)?;
        task.thread().ok_or(Errno::ESRCH)?.clone_with(host);
        let thread = task.cloned().await?;
        self.certain = true;
        self.child.begin(thread);
        Ok(())
    }

    /// The request with which the host makes the child and lets the parent go on, and what is to be remembered until that is certain.
    pub(crate) fn launch(mut self) -> Option<(platform::CloneRequest, Launched)> {
        let mut host = self.host.take()?;
        self.certain = true;
        host.parent_returns = u64::try_from(self.launched.number).ok();
        Some((host, self.launched))
    }
}

impl Drop for Birth {
    fn drop(&mut self) {
        if !self.certain {
            withdraw(&self.parent, self.launched);
        }
    }
}

impl core::fmt::Debug for Birth {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.launched.fmt(f)
    }
}

/// Takes back a child that will not be.
pub(crate) fn withdraw(parent: &Arc<Task>, launched: Launched) {
    let Launched { tid, thread, pidfd, .. } = launched;
    close(parent, pidfd);
    let kernel = &parent.kernel;
    let Some(child) = kernel.pids.task(tid) else { return };
    child.group.remove_task(&child);
    control_group::withdraw(&child);
    if thread {
        kernel.pids.remove_task(tid);
    } else {
        let above = child.group.parent();
        kernel.pids.withdraw(tid);
        if let Some(above) = kernel.pids.group(above) {
            above.children_changed.notify(Events::IN);
        }
    }
}

fn close(task: &Task, pidfd: Option<Fd>) {
    if let Some(fd) = pidfd {
        drop(task.files().remove(fd));
    }
}

fn open_pidfd(task: &Arc<Task>, child: &Arc<Task>, at: u64) -> Result<Fd, Errno> {
    let file = pidfd::open(&child.group, OpenFlags::empty(), &task.credentials());
    let limit = task.group.limits.lock().count(Resource::Nofile);
    let fd = task.files().install(file, true, 0, limit)?;
    if let Err(errno) = UserPtr::<i32>::new(at).write(&*task.memory(), &fd.0) {
        drop(task.files().remove(fd));
        return Err(errno);
    }
    Ok(fd)
}

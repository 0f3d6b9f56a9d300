//! New threads and processes: clone(2), clone3(2), fork(2), vfork(2).

mod check;
mod child;

use std::sync::Arc;

use abi::Errno;
use abi::clone::CloneFlags;
use platform::{CloneMemory, Resume};
use vfs::{Fd, OpenFlags};

use crate::limits::Resource;
use crate::memory::UserPtr;
use crate::task::Binding;
use crate::{Task, pidfd, vfork};

/// A decoded request. Addresses of zero mean "not wanted".
#[derive(Clone, Copy, Debug)]
pub struct CloneRequest {
    /// What is shared and what is set.
    pub flags: CloneFlags,
    /// The signal that the parent gets at the end; 0 for none.
    pub exit_signal: i32,
    /// The child's stack pointer; 0 for the parent's.
    pub stack: u64,
    /// With `SETTLS`.
    pub tls: u64,
    /// With `PARENT_SETTID`, in the parent's memory.
    pub parent_tid: u64,
    /// With `CHILD_SETTID` and `CHILD_CLEARTID`, in the child's memory.
    pub child_tid: u64,
    /// With `PIDFD`, in the parent's memory.
    pub pidfd: u64,
}

/// Makes a child and returns its thread id. With `VFORK` only after the child has executed a program or ended.
///
/// # Errors
/// `EINVAL`, `EPERM`, `EAGAIN` as clone(2) says; `EMFILE` for a pidfd; `ERESTARTNOINTR` if a signal came first, so that a signal for a whole
/// process group cannot miss a child that is just being made.
pub async fn clone(task: &Arc<Task>, request: CloneRequest) -> Result<i32, Errno> {
    check::request(task, &request)?;
    let has = |wanted: CloneFlags| request.flags.contains(wanted);
    let thread = has(CloneFlags::THREAD);
    if !thread && task.interrupted() {
        return Err(Errno::ERESTARTNOINTR);
    }
    let reservation = task.kernel.pids.reserve(&task.kernel)?;
    let id = reservation.id;
    let child = child::make(task, id, &request);
    let memory = match (thread, has(CloneFlags::VM)) {
        (true, _) => CloneMemory::Thread,
        (false, true) => CloneMemory::Shared,
        (false, false) => CloneMemory::Copy,
    };
    let mut host = platform::CloneRequest::new(Binding::first(&child), memory);
    host.tls = has(CloneFlags::SETTLS).then_some(request.tls);
    host.stack = (request.stack != 0).then_some(request.stack);
    host.clear_child_tid = has(CloneFlags::CHILD_CLEARTID).then_some(request.child_tid);
    task.thread().ok_or(Errno::ESRCH)?.clone_with(host);
    let host = Unstarted(Some(task.cloned().await?), thread);
    child::give_memory(&child, task, &host.thread()?, memory);
    let pidfd = if has(CloneFlags::PIDFD) { Some(open_pidfd(task, &child, request.pidfd)?) } else { None };
    let entered = child::enter(task, &child, request.flags);
    if let Err(errno) = entered {
        if let Some(fd) = pidfd {
            drop(task.files().remove(fd));
        }
        return Err(errno);
    }
    // The number is told where it is wanted; as in Linux, an address that faults is the caller's loss.
    if has(CloneFlags::PARENT_SETTID) {
        let _ = UserPtr::<i32>::new(request.parent_tid).write(&*task.memory(), &id);
    }
    if has(CloneFlags::CHILD_SETTID) {
        let _ = UserPtr::<i32>::new(request.child_tid).write(&*child.memory(), &id);
    }
    let wait = has(CloneFlags::VFORK).then(|| {
        let (release, wait) = vfork::gate();
        child.set_vfork(release);
        wait
    });
    host.start(&child)?;
    if let Some(wait) = wait {
        wait.opened(task).await;
    }
    Ok(id)
}

/// A host thread that nobody has resumed yet: ended if the call fails before that.
struct Unstarted(Option<Arc<dyn platform::Thread>>, bool);

impl Unstarted {
    fn thread(&self) -> Result<Arc<dyn platform::Thread>, Errno> {
        self.0.clone().ok_or(Errno::ESRCH)
    }

    fn start(mut self, child: &Task) -> Result<(), Errno> {
        let thread = self.0.take().ok_or(Errno::ESRCH)?;
        child.start(Arc::clone(&thread), Resume::Return(0));
        if child.is_leaving() {
            // It was killed since it was entered, when there was no thread to kill yet.
            thread.kill_process();
        }
        Ok(())
    }
}

impl Drop for Unstarted {
    fn drop(&mut self) {
        match self.0.take() {
            Some(thread) if self.1 => thread.exit(),
            Some(process) => process.kill_process(),
            None => {}
        }
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

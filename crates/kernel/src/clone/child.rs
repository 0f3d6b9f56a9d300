//! The child of clone(2) as the kernel knows it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;
use abi::clone::CloneFlags;
use platform::CloneMemory;
use vfs::Credentials;

use super::CloneRequest;
use crate::control_group::Admission;
use crate::namespace::{Namespaces, Pids};
use crate::task::Parts;
use crate::{FsContext, Task, ThreadGroup, namespace};

/// Who a child is, and the namespaces that it is in.
pub(super) struct Heritage {
    pub(super) credentials: Arc<Credentials>,
    pub(super) namespaces: Arc<Namespaces>,
}

/// Credentials and namespaces of a child, as far as they are not of the filesystem.
///
/// # Errors
/// Those of [`namespace::check`] and of new namespaces.
pub(super) fn heritage(parent: &Task, request: &CloneRequest) -> Result<Heritage, Errno> {
    let credentials = namespace::credentials_for(parent, request.flags)?;
    namespace::check(&credentials, request.flags)?;
    if request.flags.intersects(CloneFlags::NEWPID | CloneFlags::THREAD) {
        namespace::once(parent)?;
    }
    let namespaces = parent.namespaces();
    if !request.flags.intersects(CloneFlags::NAMESPACES) {
        return Ok(Heritage { credentials, namespaces });
    }
    let copied = namespace::copied(parent, request.flags, &credentials)?;
    Ok(Heritage { credentials, namespaces: Arc::new(copied) })
}

/// A task like `parent`, in its process or in one of its own, that nobody knows yet.
///
/// # Errors
/// Those of [`namespace::check`] and of new namespaces.
pub(super) fn make(
    parent: &Arc<Task>,
    id: i32,
    request: &CloneRequest,
    heritage: Heritage,
) -> Result<Arc<Task>, Errno> {
    let Heritage { credentials, namespaces } = heritage;
    let has = |wanted: CloneFlags| request.flags.contains(wanted);
    let mut attributes = parent.attributes().clone();
    attributes.robust_list = (0, 0);
    attributes.clear_child_tid = if has(CloneFlags::CHILD_CLEARTID) { request.child_tid } else { 0 };
    attributes.default_timer_slack = attributes.timer_slack;
    if !has(CloneFlags::THREAD) {
        attributes.parent_death_signal = 0;
    }
    (attributes.scheduling, attributes.nice) =
        attributes.scheduling.inherited(attributes.nice).ok_or(Errno::EAGAIN)?;
    let (group, signals) = if has(CloneFlags::THREAD) {
        (Arc::clone(&parent.group), parent.signals.for_thread())
    } else {
        let keeps_stack = !has(CloneFlags::VM) || has(CloneFlags::VFORK);
        (process(parent, (id, &namespaces.pids), request), parent.signals.for_process(keeps_stack))
    };
    let (files, fs) = (parent.files(), parent.fs());
    let fs = if has(CloneFlags::FS) {
        Arc::clone(&fs)
    } else {
        let own = fs.fork();
        if has(CloneFlags::NEWNS) {
            own.change(|context: &mut FsContext| context.unshare_mounts(&credentials))?;
        }
        own
    };
    let child = Task::new(Parts {
        tid: id,
        group,
        signals,
        files: if has(CloneFlags::FILES) { Arc::clone(&files) } else { files.fork() },
        fs,
        space: match memory(request.flags) {
            CloneMemory::Copy => parent.space().copy_layout(),
            _ => Arc::clone(&parent.space()),
        },
        namespaces,
        credentials,
        attributes,
    });
    if has(CloneFlags::SYSVSEM) {
        child.share_undo_list(parent.undo_list());
    }
    Ok(child)
}

fn process(parent: &Task, id: (i32, &Arc<Pids>), request: &CloneRequest) -> Arc<ThreadGroup> {
    let signals = parent.group.signals.for_process(request.flags.contains(CloneFlags::SIGHAND));
    if request.flags.contains(CloneFlags::CLEAR_SIGHAND) {
        signals.clear_handlers();
    }
    let exit_signal = if request.flags.contains(CloneFlags::PARENT) {
        parent.group.exit_signal.load(Ordering::Relaxed)
    } else {
        request.exit_signal
    };
    let limits = parent.group.limits.lock().clone();
    let group = ThreadGroup::new(Arc::clone(&parent.kernel), id, signals, limits, exit_signal, false);
    if group.is_init() {
        group.signals.protect();
    }
    group.container.store(parent.group.container.load(Ordering::Relaxed), Ordering::Relaxed);
    group
}

/// What memory a child gets.
pub(super) const fn memory(flags: CloneFlags) -> CloneMemory {
    match (flags.contains(CloneFlags::THREAD), flags.contains(CloneFlags::VM)) {
        (true, _) => CloneMemory::Thread,
        (false, true) => CloneMemory::Shared,
        (false, false) => CloneMemory::Copy,
    }
}

/// Enters the child where others can find it, and into its control group.
///
/// # Errors
/// `EAGAIN` if the process is going down, `ERESTARTNOINTR` if a signal for the parent came meanwhile, `ENODEV` if its own control group is gone.
pub(super) fn enter(
    parent: &Arc<Task>,
    child: &Arc<Task>,
    flags: CloneFlags,
    admission: Admission,
) -> Result<(), Errno> {
    admission.enter(parent, child, || publish(parent, child, flags))
}

fn publish(parent: &Arc<Task>, child: &Arc<Task>, flags: CloneFlags) -> Result<(), Errno> {
    let pids = &parent.kernel.pids;
    if flags.contains(CloneFlags::THREAD) {
        child.group.add_task(child)?;
        crate::seccomp::follow(parent, child);
        pids.enter_task(child);
        return Ok(());
    }
    let (above, above_tid) = if flags.contains(CloneFlags::PARENT) {
        let relation = pids.relation(parent.group.pid).ok_or(Errno::ESRCH)?;
        (relation.parent, relation.parent_tid)
    } else {
        (parent.group.pid, parent.tid())
    };
    child.group.add_task(child)?;
    let met = pids.enter_child(child, above, above_tid, || {
        if child.pids().has_ended() {
            return Err(Errno::ENOMEM);
        }
        if parent.interrupted() || parent.is_leaving() { Err(Errno::ERESTARTNOINTR) } else { Ok(()) }
    });
    if met.is_err() {
        child.group.remove_task(child);
    }
    met
}

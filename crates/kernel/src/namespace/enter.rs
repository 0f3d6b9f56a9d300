//! setns(2).

use std::sync::Arc;

use abi::Errno;
use abi::clone::CloneFlags;
use vfs::{Capability, MountNamespace};

use super::{Kind, Namespace, Namespaces};
use crate::{FsContext, Task};

/// Moves a task into a namespace.
///
/// # Errors
/// `EINVAL` if `kind` names another kind, if the task shares its working directory with others and the namespace is one of mounts, or if
/// it is the user namespace that the task is in; `EPERM` without CAP_SYS_ADMIN (and CAP_SYS_CHROOT for mounts).
pub fn enter(task: &Task, namespace: &Namespace, kind: CloneFlags) -> Result<(), Errno> {
    if !kind.is_empty() && kind != namespace.kind().flag() {
        return Err(Errno::EINVAL);
    }
    let credentials = task.credentials();
    if namespace.kind() == Kind::User {
        return Err(Errno::EINVAL);
    }
    credentials.need(Capability::SysAdmin)?;
    match namespace {
        Namespace::Mount(mounts) => enter_mounts(task, mounts),
        Namespace::Uts(uts) => {
            task.set_namespaces(Namespaces { uts: Arc::clone(uts), ..(*task.namespaces()).clone() });
            Ok(())
        }
        Namespace::Ipc(ipc) => {
            task.set_namespaces(Namespaces { ipc: Arc::clone(ipc), ..(*task.namespaces()).clone() });
            Ok(())
        }
        // The only one of its kind is where the task is already.
        Namespace::Only(_) => Ok(()),
    }
}

/// Moves a task into the namespaces of another process.
///
/// # Errors
/// `EINVAL` without kinds, and as [`enter`].
pub fn enter_of(task: &Task, other: &Task, kinds: CloneFlags) -> Result<(), Errno> {
    if kinds.is_empty() || !CloneFlags::NAMESPACES.contains(kinds) {
        return Err(Errno::EINVAL);
    }
    for kind in Kind::all().filter(|kind| kinds.contains(kind.flag())) {
        enter(task, &other.namespace(kind), CloneFlags::empty())?;
    }
    Ok(())
}

/// Root and working directory become the root of the namespace.
fn enter_mounts(task: &Task, mounts: &Arc<MountNamespace>) -> Result<(), Errno> {
    task.credentials().need(Capability::SysChroot)?;
    let context = task.fs();
    // The task's own reference and this one.
    if Arc::strong_count(&context) > 2 {
        return Err(Errno::EINVAL);
    }
    let root = mounts.root_path();
    let new = Arc::clone(mounts);
    let old = context.change(|context| {
        let umask = context.umask;
        std::mem::replace(context, FsContext { namespace: new, cwd: root.clone(), root, umask })
    });
    drop(old);
    Ok(())
}

//! setns(2).

use std::sync::Arc;

use abi::Errno;
use abi::clone::CloneFlags;
use vfs::{Capability, Credentials, MountNamespace, UserNamespace};

use super::{Kind, Namespace, Namespaces};
use crate::{FsContext, Task};

/// What a task is about to be in. It enters all or nothing.
struct Entry<'a> {
    task: &'a Task,
    credentials: Arc<Credentials>,
    namespaces: Namespaces,
    mounts: Option<Arc<MountNamespace>>,
}

/// Moves a task into a namespace.
///
/// # Errors
/// `EINVAL` if `kind` names another kind, if the task shares its working directory with others and the namespace is one of mounts or users,
/// if it is one of pids outside the caller's own, if the task has other threads or is in the namespace already and that is one of users; `EPERM` without CAP_SYS_ADMIN there and here (for
/// mounts CAP_SYS_CHROOT here too).
pub fn enter(task: &Task, namespace: &Namespace, kind: CloneFlags) -> Result<(), Errno> {
    if !kind.is_empty() && kind != namespace.kind().flag() {
        return Err(Errno::EINVAL);
    }
    let mut entry = Entry::of(task);
    entry.add(namespace)?;
    entry.commit()
}

/// Moves a task into the namespaces of another process.
///
/// # Errors
/// `EINVAL` without kinds, `EPERM` if the task may not look into the process, and as [`enter`].
pub fn enter_of(task: &Task, other: &Task, kinds: CloneFlags) -> Result<(), Errno> {
    if kinds.is_empty() || !CloneFlags::NAMESPACES.contains(kinds) {
        return Err(Errno::EINVAL);
    }
    crate::inspect::may_read(task, other)?;
    let mut entry = Entry::of(task);
    // The user namespace first: what is allowed in it, the others are entered with.
    let users = Kind::all().filter(|kind| *kind == Kind::User);
    let others = Kind::all().filter(|kind| *kind != Kind::User);
    for kind in users.chain(others).filter(|kind| kinds.contains(kind.flag())) {
        entry.add(&other.namespace(kind))?;
    }
    entry.commit()
}

impl<'a> Entry<'a> {
    fn of(task: &'a Task) -> Self {
        let namespaces = (*task.namespaces()).clone();
        Self { task, credentials: Arc::clone(&task.credentials()), namespaces, mounts: None }
    }

    fn add(&mut self, namespace: &Namespace) -> Result<(), Errno> {
        if let Namespace::User(user) = namespace {
            return self.add_user(user);
        }
        let owner = namespace.user().ok_or(Errno::EINVAL)?;
        self.credentials.need_in(Capability::SysAdmin, &owner)?;
        self.credentials.need_here(Capability::SysAdmin)?;
        match namespace {
            Namespace::Mount(mounts) => {
                self.credentials.need_here(Capability::SysChroot)?;
                self.mounts = Some(Arc::clone(mounts));
            }
            Namespace::Uts(uts) => self.namespaces.uts = Arc::clone(uts),
            Namespace::Ipc(ipc) => self.namespaces.ipc = Arc::clone(ipc),
            Namespace::Cgroup(cgroup) => self.namespaces.cgroup = Arc::clone(cgroup),
            Namespace::Network(network) => self.namespaces.network = Some(Arc::clone(network)),
            Namespace::Pid(pids) if pids.is_within(self.task.pids()) => {
                self.namespaces.pids = Arc::clone(pids);
            }
            Namespace::Pid(_) => return Err(Errno::EINVAL),
            // The only one of its kind is where the task is already.
            Namespace::User(_) | Namespace::Only(_) => {}
        }
        Ok(())
    }

    fn add_user(&mut self, user: &Arc<UserNamespace>) -> Result<(), Errno> {
        if *user == self.credentials.user || self.task.group.tasks().len() > 1 {
            return Err(Errno::EINVAL);
        }
        self.alone()?;
        self.credentials.need_in(Capability::SysAdmin, user)?;
        self.credentials = Arc::new((*self.credentials).clone().in_new_namespace(Arc::clone(user)));
        Ok(())
    }

    /// Nothing if nobody shares the task's place in the filesystem.
    fn alone(&self) -> Result<(), Errno> {
        // The task's own reference and this one.
        if Arc::strong_count(&self.task.fs()) > 2 { Err(Errno::EINVAL) } else { Ok(()) }
    }

    fn commit(self) -> Result<(), Errno> {
        if let Some(mounts) = &self.mounts {
            self.alone()?;
            enter_mounts(self.task, mounts);
        }
        if self.credentials.user != self.task.credentials().user {
            self.task.set_credentials((*self.credentials).clone());
        }
        self.task.set_namespaces(self.namespaces);
        Ok(())
    }
}

/// Root and working directory become the root of the namespace.
fn enter_mounts(task: &Task, mounts: &Arc<MountNamespace>) {
    let root = mounts.root_path();
    let new = Arc::clone(mounts);
    let old = task.fs().change(|context| {
        let umask = context.umask;
        std::mem::replace(context, FsContext { namespace: new, cwd: root.clone(), root, umask })
    });
    drop(old);
}

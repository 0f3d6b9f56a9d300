//! Who may have new namespaces, and unshare(2).

use std::sync::Arc;

use abi::Errno;
use abi::clone::CloneFlags;
use vfs::{Capability, Credentials, UserNamespace};

use super::{Cgroup, Namespaces};
use crate::{FsContext, Task};

/// Whether the maker of namespaces, who is in a new user namespace by then if one is made too, may have those that `flags` ask for.
///
/// # Errors
/// `EPERM` without CAP_SYS_ADMIN, `EINVAL` for the kinds of which there is only one, as for a kernel built without them.
pub fn check(maker: &Credentials, flags: CloneFlags) -> Result<(), Errno> {
    let mounts = CloneFlags::NEWNS | CloneFlags::NEWUTS | CloneFlags::NEWIPC;
    let made = mounts | CloneFlags::NEWUSER | CloneFlags::NEWPID | CloneFlags::NEWNET | CloneFlags::NEWCGROUP;
    let wanted = flags.intersection(CloneFlags::NAMESPACES);
    if !made.contains(wanted) {
        return Err(Errno::EINVAL);
    }
    if !wanted.difference(CloneFlags::NEWUSER).is_empty() {
        maker.need_here(Capability::SysAdmin)?;
    }
    Ok(())
}

/// The credentials in the user namespace that `flags` ask for: the present ones if they ask for none.
///
/// # Errors
/// `EPERM` for who is confined by chroot(2), or is nobody in the present namespace; `ENOSPC`.
pub fn credentials_for(task: &Task, flags: CloneFlags) -> Result<Arc<Credentials>, Errno> {
    let old = task.credentials();
    if !flags.contains(CloneFlags::NEWUSER) {
        return Ok(Arc::clone(&old));
    }
    let place = task.fs_now();
    if place.root != place.namespace.root_path() {
        return Err(Errno::EPERM);
    }
    let user = UserNamespace::below(&old)?;
    Ok(Arc::new(Credentials::clone(&old).in_new_namespace(user)))
}

/// The namespaces of a child of a task, or of the task when it unshares: new ones where `flags` say so.
///
/// # Errors
/// As [`Namespaces::copied`].
pub(crate) fn copied(task: &Task, flags: CloneFlags, maker: &Credentials) -> Result<Namespaces, Errno> {
    let mut copy = task.namespaces().copied(&task.kernel.ipcs, flags, maker)?;
    if flags.contains(CloneFlags::NEWCGROUP) {
        copy.cgroup = Cgroup::new(super::next_id(), maker, task.control_group())?;
    }
    if flags.contains(CloneFlags::NEWNET) {
        copy.network = Some(task.kernel.new_network(maker)?);
    }
    Ok(copy)
}

/// Nothing if the children of a task are still born in its own pid namespace: only then may they get another.
///
/// # Errors
/// `EINVAL`.
pub(crate) fn once(task: &Task) -> Result<(), Errno> {
    if Arc::ptr_eq(task.pids(), &task.namespaces().pids) { Ok(()) } else { Err(Errno::EINVAL) }
}

/// unshare(2): descriptors, the place in the filesystem, namespaces. All or nothing.
///
/// # Errors
/// `EINVAL` for what a process with several threads cannot stop sharing and for kinds of namespaces that there are not, `EPERM`, `ENOSPC`.
pub fn unshare(task: &Task, flags: CloneFlags) -> Result<(), Errno> {
    let alone = CloneFlags::THREAD | CloneFlags::SIGHAND | CloneFlags::VM | CloneFlags::NEWUSER;
    if flags.intersects(alone) && task.group.tasks().len() > 1 {
        return Err(Errno::EINVAL);
    }
    let credentials = credentials_for(task, flags)?;
    check(&credentials, flags)?;
    if flags.contains(CloneFlags::NEWPID) {
        once(task)?;
    }
    let fs = if flags.intersects(CloneFlags::FS | CloneFlags::NEWNS | CloneFlags::NEWUSER) {
        let own = task.fs().fork();
        if flags.contains(CloneFlags::NEWNS) {
            own.change(|context: &mut FsContext| context.unshare_mounts(&credentials))?;
        }
        Some(own)
    } else {
        None
    };
    let namespaces: Option<Namespaces> = if flags.intersects(CloneFlags::NAMESPACES) {
        Some(copied(task, flags, &credentials)?)
    } else {
        None
    };
    if flags.intersects(CloneFlags::SYSVSEM | CloneFlags::NEWIPC) {
        task.leave_undo_list();
    }
    if flags.contains(CloneFlags::FILES) {
        let own = task.files().fork();
        drop(task.replace_files(own));
    }
    fs.into_iter().for_each(|fs| task.set_fs(fs));
    namespaces.into_iter().for_each(|namespaces| task.set_namespaces(namespaces));
    if flags.contains(CloneFlags::NEWUSER) {
        task.set_credentials((*credentials).clone());
    }
    Ok(())
}

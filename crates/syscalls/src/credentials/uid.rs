//! getuid(2), geteuid(2), getresuid(2), setuid(2), setreuid(2), setresuid(2), setfsuid(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserPtr};
use vfs::{Capability, Credentials};

use super::ids::Ids;
use super::{SAME, follow_fsuid, follow_user};

/// The real user id.
///
/// # Errors
/// None.
pub fn getuid(task: &Arc<Task>) -> Result<u32, Errno> {
    let own = task.credentials();
    Ok(own.user.shown_uid(own.uid))
}

/// The effective user id.
///
/// # Errors
/// None.
pub fn geteuid(task: &Arc<Task>) -> Result<u32, Errno> {
    let own = task.credentials();
    Ok(own.user.shown_uid(own.euid))
}

/// Real, effective and saved user id.
///
/// # Errors
/// `EFAULT`.
pub fn getresuid(
    task: &Arc<Task>,
    real: UserPtr<u32>,
    effective: UserPtr<u32>,
    saved: UserPtr<u32>,
) -> Result<(), Errno> {
    let (own, memory) = (task.credentials(), task.memory());
    real.write(&*memory, &own.user.shown_uid(own.uid))?;
    effective.write(&*memory, &own.user.shown_uid(own.euid))?;
    saved.write(&*memory, &own.user.shown_uid(own.suid))
}

/// With CAP_SETUID sets all ids, otherwise the effective one to the real or saved one.
///
/// # Errors
/// `EPERM`, `EINVAL`.
pub fn setuid(task: &Arc<Task>, uid: u32) -> Result<(), Errno> {
    let uid = kernel_id(task, uid)?;
    change(task, |own, free| own.set(free, uid))
}

/// Sets the real and the effective id.
///
/// # Errors
/// `EPERM`, `EINVAL` for an id that does not exist in the user namespace.
pub fn setreuid(task: &Arc<Task>, real: u32, effective: u32) -> Result<(), Errno> {
    let (real, effective) = (kernel_id(task, real)?, kernel_id(task, effective)?);
    change(task, |own, free| own.set_two(free, real, effective))
}

/// Sets real, effective and saved id.
///
/// # Errors
/// `EPERM`, `EINVAL` for an id that does not exist in the user namespace.
pub fn setresuid(task: &Arc<Task>, real: u32, effective: u32, saved: u32) -> Result<(), Errno> {
    let wanted = [kernel_id(task, real)?, kernel_id(task, effective)?, kernel_id(task, saved)?];
    change(task, |own, free| own.set_three(free, wanted))
}

/// Sets the filesystem id if it is one of the others, or with CAP_SETUID. Returns the old one, whatever happened.
///
/// # Errors
/// None.
pub fn setfsuid(task: &Arc<Task>, uid: u32) -> Result<u32, Errno> {
    let old = task.credentials();
    let wanted = kernel_id(task, uid).unwrap_or(SAME);
    if let Some(ids) = ids(&old).set_filesystem(old.has_here(Capability::Setuid), wanted) {
        let mut new = with(&old, ids);
        follow_fsuid(&old, &mut new);
        task.set_credentials(new);
    }
    Ok(old.user.shown_uid(old.fsuid))
}

/// The number that the kernel knows an id of the caller's user namespace by; -1 stays.
fn kernel_id(task: &Task, id: u32) -> Result<u32, Errno> {
    if id == SAME { Ok(SAME) } else { task.credentials().user.uid(id).ok_or(Errno::EINVAL) }
}

fn ids(own: &Credentials) -> Ids {
    Ids { real: own.uid, effective: own.euid, saved: own.suid, filesystem: own.fsuid }
}

fn with(old: &Credentials, ids: Ids) -> Credentials {
    let Ids { real, effective, saved, filesystem } = ids;
    Credentials { uid: real, euid: effective, suid: saved, fsuid: filesystem, ..old.clone() }
}

/// Changes ids, and with them the capabilities.
fn change(task: &Arc<Task>, act: impl FnOnce(Ids, bool) -> Result<Ids, Errno>) -> Result<(), Errno> {
    let old = task.credentials();
    let mut new = with(&old, act(ids(&old), old.has_here(Capability::Setuid))?);
    follow_user(&old, &mut new);
    task.change_credentials(new);
    Ok(())
}

//! getgid(2), getegid(2), getresgid(2), setgid(2), setregid(2), setresgid(2), setfsgid(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserPtr};
use vfs::{Capability, Credentials};

use super::SAME;
use super::ids::Ids;

/// The real group id.
///
/// # Errors
/// None.
pub fn getgid(task: &Arc<Task>) -> Result<u32, Errno> {
    let own = task.credentials();
    Ok(own.user.shown_gid(own.gid))
}

/// The effective group id.
///
/// # Errors
/// None.
pub fn getegid(task: &Arc<Task>) -> Result<u32, Errno> {
    let own = task.credentials();
    Ok(own.user.shown_gid(own.egid))
}

/// Real, effective and saved group id.
///
/// # Errors
/// `EFAULT`.
pub fn getresgid(
    task: &Arc<Task>,
    real: UserPtr<u32>,
    effective: UserPtr<u32>,
    saved: UserPtr<u32>,
) -> Result<(), Errno> {
    let (own, memory) = (task.credentials(), task.memory());
    real.write(&*memory, &own.user.shown_gid(own.gid))?;
    effective.write(&*memory, &own.user.shown_gid(own.egid))?;
    saved.write(&*memory, &own.user.shown_gid(own.sgid))
}

/// With CAP_SETGID sets all ids, otherwise the effective one to the real or saved one.
///
/// # Errors
/// `EPERM`, `EINVAL`.
pub fn setgid(task: &Arc<Task>, gid: u32) -> Result<(), Errno> {
    let gid = kernel_id(task, gid)?;
    change(task, |own, free| own.set(free, gid))
}

/// Sets the real and the effective id.
///
/// # Errors
/// `EPERM`, `EINVAL` for an id that does not exist in the user namespace.
pub fn setregid(task: &Arc<Task>, real: u32, effective: u32) -> Result<(), Errno> {
    let (real, effective) = (kernel_id(task, real)?, kernel_id(task, effective)?);
    change(task, |own, free| own.set_two(free, real, effective))
}

/// Sets real, effective and saved id.
///
/// # Errors
/// `EPERM`, `EINVAL` for an id that does not exist in the user namespace.
pub fn setresgid(task: &Arc<Task>, real: u32, effective: u32, saved: u32) -> Result<(), Errno> {
    let wanted = [kernel_id(task, real)?, kernel_id(task, effective)?, kernel_id(task, saved)?];
    change(task, |own, free| own.set_three(free, wanted))
}

/// Sets the filesystem id if it is one of the others, or with CAP_SETGID. Returns the old one, whatever happened.
///
/// # Errors
/// None.
pub fn setfsgid(task: &Arc<Task>, gid: u32) -> Result<u32, Errno> {
    let old = task.credentials();
    let wanted = kernel_id(task, gid).unwrap_or(SAME);
    if let Some(ids) = ids(&old).set_filesystem(old.has_here(Capability::Setgid), wanted) {
        task.set_credentials(with(&old, ids));
    }
    Ok(old.user.shown_gid(old.fsgid))
}

/// The number that the kernel knows an id of the caller's user namespace by; -1 stays.
fn kernel_id(task: &Task, id: u32) -> Result<u32, Errno> {
    if id == SAME { Ok(SAME) } else { task.credentials().user.gid(id).ok_or(Errno::EINVAL) }
}

fn ids(own: &Credentials) -> Ids {
    Ids { real: own.gid, effective: own.egid, saved: own.sgid, filesystem: own.fsgid }
}

fn with(old: &Credentials, ids: Ids) -> Credentials {
    let Ids { real, effective, saved, filesystem } = ids;
    Credentials { gid: real, egid: effective, sgid: saved, fsgid: filesystem, ..old.clone() }
}

/// Changes ids.
fn change(task: &Arc<Task>, act: impl FnOnce(Ids, bool) -> Result<Ids, Errno>) -> Result<(), Errno> {
    let old = task.credentials();
    task.change_credentials(with(&old, act(ids(&old), old.has_here(Capability::Setgid))?));
    Ok(())
}

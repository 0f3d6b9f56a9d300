//! getgid(2), getegid(2), getresgid(2), setgid(2), setregid(2), setresgid(2), setfsgid(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserPtr};
use vfs::{Capability, Credentials};

use super::SAME;

/// The real group id.
///
/// # Errors
/// None.
pub fn getgid(task: &Arc<Task>) -> Result<u32, Errno> {
    Ok(task.credentials().gid)
}

/// The effective group id.
///
/// # Errors
/// None.
pub fn getegid(task: &Arc<Task>) -> Result<u32, Errno> {
    Ok(task.credentials().egid)
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
    real.write(&*memory, &own.gid)?;
    effective.write(&*memory, &own.egid)?;
    saved.write(&*memory, &own.sgid)
}

/// With CAP_SETGID sets all ids, otherwise the effective one to the real or saved one.
///
/// # Errors
/// `EPERM`, `EINVAL`.
pub fn setgid(task: &Arc<Task>, gid: u32) -> Result<(), Errno> {
    valid(gid)?;
    change(task, |old, new| {
        if old.has(Capability::Setgid) {
            new.gid = gid;
            new.sgid = gid;
        } else if gid != old.gid && gid != old.sgid {
            return Err(Errno::EPERM);
        }
        new.egid = gid;
        Ok(())
    })
}

/// Sets the real and the effective id.
///
/// # Errors
/// `EPERM`.
pub fn setregid(task: &Arc<Task>, real: u32, effective: u32) -> Result<(), Errno> {
    change(task, |old, new| {
        let free = old.has(Capability::Setgid);
        if real != SAME {
            if !free && real != old.gid && real != old.egid {
                return Err(Errno::EPERM);
            }
            new.gid = real;
        }
        if effective != SAME {
            if !free && ![old.gid, old.egid, old.sgid].contains(&effective) {
                return Err(Errno::EPERM);
            }
            new.egid = effective;
        }
        if real != SAME || (effective != SAME && effective != old.gid) {
            new.sgid = new.egid;
        }
        Ok(())
    })
}

/// Sets real, effective and saved id.
///
/// # Errors
/// `EPERM`.
pub fn setresgid(task: &Arc<Task>, real: u32, effective: u32, saved: u32) -> Result<(), Errno> {
    change(task, |old, new| {
        let free = old.has(Capability::Setgid);
        for (wanted, slot) in [(real, &mut new.gid), (effective, &mut new.egid), (saved, &mut new.sgid)] {
            if wanted == SAME {
                continue;
            }
            if !free && ![old.gid, old.egid, old.sgid].contains(&wanted) {
                return Err(Errno::EPERM);
            }
            *slot = wanted;
        }
        Ok(())
    })
}

/// Sets the filesystem id if it is one of the others, or with CAP_SETGID. Returns the old one, whatever happened.
///
/// # Errors
/// None.
pub fn setfsgid(task: &Arc<Task>, gid: u32) -> Result<u32, Errno> {
    let old = task.credentials();
    let allowed = [old.gid, old.egid, old.sgid, old.fsgid].contains(&gid) || old.has(Capability::Setgid);
    if gid != SAME && allowed && gid != old.fsgid {
        let mut new = (*old).clone();
        new.fsgid = gid;
        task.set_credentials(new);
    }
    Ok(old.fsgid)
}

const fn valid(gid: u32) -> Result<(), Errno> {
    if gid == SAME { Err(Errno::EINVAL) } else { Ok(()) }
}

/// Changes ids, and with them the filesystem id.
fn change(
    task: &Arc<Task>,
    act: impl FnOnce(&Credentials, &mut Credentials) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let old = task.credentials();
    let mut new = (*old).clone();
    act(&old, &mut new)?;
    new.fsgid = new.egid;
    task.change_credentials(new);
    Ok(())
}

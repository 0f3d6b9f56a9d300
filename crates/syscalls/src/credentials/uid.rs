//! getuid(2), geteuid(2), getresuid(2), setuid(2), setreuid(2), setresuid(2), setfsuid(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserPtr};
use vfs::{Capability, Credentials};

use super::{SAME, follow_fsuid, follow_user};

/// The real user id.
///
/// # Errors
/// None.
pub fn getuid(task: &Arc<Task>) -> Result<u32, Errno> {
    Ok(task.credentials().uid)
}

/// The effective user id.
///
/// # Errors
/// None.
pub fn geteuid(task: &Arc<Task>) -> Result<u32, Errno> {
    Ok(task.credentials().euid)
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
    real.write(&*memory, &own.uid)?;
    effective.write(&*memory, &own.euid)?;
    saved.write(&*memory, &own.suid)
}

/// With CAP_SETUID sets all ids, otherwise the effective one to the real or saved one.
///
/// # Errors
/// `EPERM`, `EINVAL`.
pub fn setuid(task: &Arc<Task>, uid: u32) -> Result<(), Errno> {
    valid(uid)?;
    change(task, |old, new| {
        if old.has(Capability::Setuid) {
            new.uid = uid;
            new.suid = uid;
        } else if uid != old.uid && uid != old.suid {
            return Err(Errno::EPERM);
        }
        new.euid = uid;
        Ok(())
    })
}

/// Sets the real and the effective id.
///
/// # Errors
/// `EPERM`.
pub fn setreuid(task: &Arc<Task>, real: u32, effective: u32) -> Result<(), Errno> {
    change(task, |old, new| {
        let free = old.has(Capability::Setuid);
        if real != SAME {
            if !free && real != old.uid && real != old.euid {
                return Err(Errno::EPERM);
            }
            new.uid = real;
        }
        if effective != SAME {
            if !free && ![old.uid, old.euid, old.suid].contains(&effective) {
                return Err(Errno::EPERM);
            }
            new.euid = effective;
        }
        if real != SAME || (effective != SAME && effective != old.uid) {
            new.suid = new.euid;
        }
        Ok(())
    })
}

/// Sets real, effective and saved id.
///
/// # Errors
/// `EPERM`.
pub fn setresuid(task: &Arc<Task>, real: u32, effective: u32, saved: u32) -> Result<(), Errno> {
    change(task, |old, new| {
        let free = old.has(Capability::Setuid);
        for (wanted, slot) in [(real, &mut new.uid), (effective, &mut new.euid), (saved, &mut new.suid)] {
            if wanted == SAME {
                continue;
            }
            if !free && ![old.uid, old.euid, old.suid].contains(&wanted) {
                return Err(Errno::EPERM);
            }
            *slot = wanted;
        }
        Ok(())
    })
}

/// Sets the filesystem id if it is one of the others, or with CAP_SETUID. Returns the old one, whatever happened.
///
/// # Errors
/// None.
pub fn setfsuid(task: &Arc<Task>, uid: u32) -> Result<u32, Errno> {
    let old = task.credentials();
    let allowed = [old.uid, old.euid, old.suid, old.fsuid].contains(&uid) || old.has(Capability::Setuid);
    if uid != SAME && allowed && uid != old.fsuid {
        let mut new = (*old).clone();
        new.fsuid = uid;
        follow_fsuid(&old, &mut new);
        task.set_credentials(new);
    }
    Ok(old.fsuid)
}

const fn valid(uid: u32) -> Result<(), Errno> {
    if uid == SAME { Err(Errno::EINVAL) } else { Ok(()) }
}

/// Changes ids, and with them the filesystem id and the capabilities.
fn change(
    task: &Arc<Task>,
    act: impl FnOnce(&Credentials, &mut Credentials) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let old = task.credentials();
    let mut new = (*old).clone();
    act(&old, &mut new)?;
    new.fsuid = new.euid;
    follow_user(&old, &mut new);
    task.change_credentials(new);
    Ok(())
}

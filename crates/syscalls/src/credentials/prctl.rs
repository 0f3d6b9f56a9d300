//! The operations of prctl(2) on capabilities: capabilities(7).

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use vfs::{Capability, CapabilitySet, Credentials};

use super::KEEP_CAPS;

/// `SECURE_ALL_LOCKS`: each lock is the bit above what it locks.
const LOCKS: u32 = 0b1010_1010;
/// All bits that `PR_SET_SECUREBITS` knows.
const KNOWN: u32 = 0xff;
/// The lock of `SECBIT_KEEP_CAPS`.
const KEEP_CAPS_LOCKED: u32 = 1 << 5;
/// `SECBIT_NO_CAP_AMBIENT_RAISE`.
const NO_AMBIENT_RAISE: u32 = 1 << 6;

const PR_CAP_AMBIENT_IS_SET: u64 = 1;
const PR_CAP_AMBIENT_RAISE: u64 = 2;
const PR_CAP_AMBIENT_LOWER: u64 = 3;
const PR_CAP_AMBIENT_CLEAR_ALL: u64 = 4;

fn change(task: &Arc<Task>, act: impl FnOnce(&mut Credentials)) {
    let mut new = Credentials::clone(&task.credentials());
    act(&mut new);
    task.set_credentials(new);
}

fn capability(number: u64) -> Result<CapabilitySet, Errno> {
    let known = usize::try_from(number).ok().and_then(|n| Capability::ALL.get(n));
    known.map(|c| CapabilitySet::EMPTY.with(*c)).ok_or(Errno::EINVAL)
}

/// `PR_GET_KEEPCAPS`.
pub(crate) fn keeps(task: &Arc<Task>) -> bool {
    task.credentials().securebits & KEEP_CAPS != 0
}

/// `PR_SET_KEEPCAPS`.
pub(crate) fn keep(task: &Arc<Task>, on: bool) -> Result<(), Errno> {
    if task.credentials().securebits & KEEP_CAPS_LOCKED != 0 {
        return Err(Errno::EPERM);
    }
    change(task, |new| {
        let rest = new.securebits & !KEEP_CAPS;
        new.securebits = if on { rest | KEEP_CAPS } else { rest };
    });
    Ok(())
}

/// `PR_CAPBSET_READ`.
pub(crate) fn bounding(task: &Arc<Task>, number: u64) -> Result<bool, Errno> {
    Ok(capability(number)?.is_subset(task.credentials().bounding))
}

/// `PR_CAPBSET_DROP`.
pub(crate) fn drop_bounding(task: &Arc<Task>, number: u64) -> Result<(), Errno> {
    task.credentials().need_here(Capability::Setpcap)?;
    let dropped = capability(number)?;
    change(task, |new| new.bounding = new.bounding.without(dropped));
    Ok(())
}

/// `PR_SET_SECUREBITS`.
pub(crate) fn set_securebits(task: &Arc<Task>, bits: u64) -> Result<(), Errno> {
    let bits = u32::try_from(bits).ok().filter(|b| b & !KNOWN == 0).ok_or(Errno::EPERM)?;
    let old = task.credentials();
    let locked = (old.securebits & LOCKS) >> 1;
    let touches_locked = (old.securebits ^ bits) & locked != 0;
    let unlocks = old.securebits & LOCKS & !bits != 0;
    if touches_locked || unlocks {
        return Err(Errno::EPERM);
    }
    old.need_here(Capability::Setpcap)?;
    change(task, |new| new.securebits = bits);
    Ok(())
}

/// `PR_CAP_AMBIENT`.
pub(crate) fn ambient(task: &Arc<Task>, operation: u64, number: u64) -> Result<u64, Errno> {
    if operation == PR_CAP_AMBIENT_CLEAR_ALL {
        if number != 0 {
            return Err(Errno::EINVAL);
        }
        change(task, |new| new.ambient = CapabilitySet::EMPTY);
        return Ok(0);
    }
    let which = capability(number)?;
    let own = task.credentials();
    match operation {
        PR_CAP_AMBIENT_IS_SET => return Ok(u64::from(which.is_subset(own.ambient))),
        PR_CAP_AMBIENT_RAISE => {
            let allowed = which.is_subset(own.permitted.and(own.inheritable));
            if !allowed || own.securebits & NO_AMBIENT_RAISE != 0 {
                return Err(Errno::EPERM);
            }
            change(task, |new| new.ambient = new.ambient.or(which));
        }
        PR_CAP_AMBIENT_LOWER => change(task, |new| new.ambient = new.ambient.without(which)),
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

//! capget(2), capset(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserPtr};
use vfs::{Capability, CapabilitySet, Credentials};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct __user_cap_header_struct`.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    version: u32,
    pid: i32,
}

/// `struct __user_cap_data_struct`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

const VERSION_1: u32 = 0x1998_0330;
const VERSION_2: u32 = 0x2007_1026;
const VERSION_3: u32 = 0x2008_0522;

/// How many [`Data`] a version has. An unknown version is answered with the newest.
fn pieces(task: &Task, at: UserPtr<Header>, header: Header) -> Result<usize, Errno> {
    match header.version {
        VERSION_1 => Ok(1),
        VERSION_2 | VERSION_3 => Ok(2),
        _ => {
            at.write(&*task.memory(), &Header { version: VERSION_3, ..header })?;
            Err(Errno::EINVAL)
        }
    }
}

/// Reads the capabilities of a thread.
///
/// # Errors
/// `EINVAL`, `ESRCH`, `EFAULT`.
pub fn capget(task: &Arc<Task>, header: UserPtr<Header>, data: UserPtr<Data>) -> Result<(), Errno> {
    let head = header.read(&*task.memory())?;
    let count = match pieces(task, header, head) {
        // Asking for the version with no place for data is how programs find out.
        Err(Errno::EINVAL) if data.is_null() => return Ok(()),
        other => other?,
    };
    if head.pid < 0 {
        return Err(Errno::EINVAL);
    }
    let other = if head.pid == 0 { Arc::clone(task) } else { task.task_of(head.pid).ok_or(Errno::ESRCH)? };
    let of = other.credentials();
    let half = |set: CapabilitySet, shift: u32| {
        let [a, b, c, d, ..] = (set.0 >> shift).to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    };
    let piece = |shift| Data {
        effective: half(of.effective, shift),
        permitted: half(of.permitted, shift),
        inheritable: half(of.inheritable, shift),
    };
    let all = [piece(0), piece(32)];
    data.write_many(&*task.memory(), all.get(..count).unwrap_or_default())
}

/// Sets the caller's own capabilities.
///
/// # Errors
/// `EPERM` for gaining what it may not, or for another thread; `EINVAL`, `EFAULT`.
pub fn capset(task: &Arc<Task>, header: UserPtr<Header>, data: UserPtr<Data>) -> Result<(), Errno> {
    let head = header.read(&*task.memory())?;
    let count = pieces(task, header, head)?;
    if head.pid != 0 && head.pid != task.own_tid() {
        return Err(Errno::EPERM);
    }
    let given = data.read_many(&*task.memory(), count)?;
    let set = |of: fn(&Data) -> u32| {
        let words = given.iter().map(of).zip([0_u32, 32]);
        CapabilitySet(words.fold(0, |all, (word, shift)| all | u64::from(word) << shift))
            .and(CapabilitySet::FULL)
    };
    let (effective, permitted, inheritable) =
        (set(|d| d.effective), set(|d| d.permitted), set(|d| d.inheritable));
    let old = task.credentials();
    let may_inherit = if old.has_here(Capability::Setpcap) { old.bounding } else { old.permitted };
    let allowed = inheritable.is_subset(old.inheritable.or(may_inherit))
        && inheritable.is_subset(old.inheritable.or(old.bounding))
        && permitted.is_subset(old.permitted)
        && effective.is_subset(permitted);
    if !allowed {
        return Err(Errno::EPERM);
    }
    let mut new = Credentials::clone(&old);
    new.effective = effective;
    new.permitted = permitted;
    new.inheritable = inheritable;
    new.ambient = old.ambient.and(permitted.and(inheritable));
    task.set_credentials(new);
    Ok(())
}

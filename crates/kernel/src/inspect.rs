//! Whether one task may look into another: ptrace(2), "Ptrace access mode checking".

use std::sync::Arc;

use abi::Errno;
use vfs::{Capability, Credentials, UserNamespace};

use crate::Task;

/// Checks with the caller's real ids (`PTRACE_MODE_ATTACH_REALCREDS`), as for process_vm_readv(2) and pidfd_getfd(2).
///
/// # Errors
/// `EPERM`.
pub fn may_attach(caller: &Task, other: &Task) -> Result<(), Errno> {
    let own = caller.credentials();
    check(caller, other, own.uid, own.gid)
}

/// Checks with the caller's filesystem ids (`PTRACE_MODE_READ_FSCREDS`), as for most of /proc/PID, and with the real ones for
/// calls that read (`PTRACE_MODE_READ_REALCREDS`): both differ only for programs that change their filesystem ids.
///
/// # Errors
/// `EPERM`.
pub fn may_read(caller: &Task, other: &Task) -> Result<(), Errno> {
    let own = caller.credentials();
    check(caller, other, own.fsuid, own.fsgid)
}

/// As [`may_read`] with the caller's real ids (`PTRACE_MODE_READ_REALCREDS`).
///
/// # Errors
/// `EPERM`.
pub fn may_read_real(caller: &Task, other: &Task) -> Result<(), Errno> {
    may_attach(caller, other)
}

fn check(caller: &Task, other: &Task, uid: u32, gid: u32) -> Result<(), Errno> {
    if caller.group.pid == other.group.pid {
        return Ok(());
    }
    let (own, target) = (caller.credentials(), other.credentials());
    if own.has_in(Capability::SysPtrace, &target.user) {
        return Ok(());
    }
    let same = own.user == target.user && same_ids(&target, uid, gid);
    let space = other.space();
    let image = space.image.lock();
    let privileged = |user: &Arc<UserNamespace>| own.has_in(Capability::SysPtrace, user);
    let open = image.dumpable || image.user.as_ref().is_some_and(privileged);
    if same && open && target.permitted.is_subset(own.permitted) { Ok(()) } else { Err(Errno::EPERM) }
}

fn same_ids(target: &Credentials, uid: u32, gid: u32) -> bool {
    [target.uid, target.euid, target.suid].iter().all(|id| *id == uid)
        && [target.gid, target.egid, target.sgid].iter().all(|id| *id == gid)
}

//! Who gets SIGIO and SIGURG: `F_SETOWN`, `F_SETOWN_EX`, `F_SETSIG` of fcntl(2).

use std::sync::Arc;

use abi::Errno;
use abi::fcntl::{F_OWNER_PGRP, F_OWNER_PID, F_OWNER_TID};
use abi::file::OwnerEx;
use abi::signal::Signal;
use kernel::{Task, UserPtr};
use vfs::open_file::SignalOwner;
use vfs::{Fd, OpenFile};

fn exists(task: &Task, kind: u32, id: i32) -> bool {
    match (kind, id) {
        (_, 0) => true,
        (F_OWNER_TID, tid) => task.kernel.task(tid).is_some(),
        (F_OWNER_PID, pid) => task.kernel.group(pid).is_some(),
        (_, group) => task.kernel.pids.has_process_group(group),
    }
}

fn store(task: &Task, file: &OpenFile, kind: u32, id: i32) -> Result<u64, Errno> {
    let id = if id == 0 { 0 } else { task.known_id(id)? };
    if !exists(task, kind, id) {
        return Err(Errno::ESRCH);
    }
    let signal = file.signal_owner().map_or(0, |owner| owner.signal);
    let credentials = task.credentials();
    let (uid, euid) = (credentials.uid, credentials.euid);
    file.set_signal_owner(Some(SignalOwner { kind, id, signal, uid, euid }));
    Ok(0)
}

/// The owner, as long as it is there.
fn present(task: &Task, file: &OpenFile) -> SignalOwner {
    let owner = file.signal_owner().unwrap_or_default();
    let shown = task.pids().shown(owner.id);
    if exists(task, owner.kind, owner.id) {
        SignalOwner { id: shown, ..owner }
    } else {
        SignalOwner { id: 0, ..owner }
    }
}

/// `F_SETOWN`: a process, or a process group if negative.
///
/// # Errors
/// `ESRCH`, `EINVAL`.
pub(crate) fn set(task: &Task, file: &OpenFile, id: i32) -> Result<u64, Errno> {
    let positive = id.checked_abs().ok_or(Errno::EINVAL)?;
    store(task, file, if id < 0 { F_OWNER_PGRP } else { F_OWNER_PID }, positive)
}

/// `F_GETOWN`.
pub(crate) fn get(task: &Task, file: &OpenFile) -> i32 {
    let owner = present(task, file);
    if owner.kind == F_OWNER_PGRP { -owner.id } else { owner.id }
}

/// `FIOSETOWN` and `SIOCSPGRP`, which sockets have.
///
/// # Errors
/// `EFAULT`, and as [`set`].
pub(crate) fn set_from(task: &Task, file: &OpenFile, argument: UserPtr<i32>) -> Result<u64, Errno> {
    set(task, file, argument.read(&*task.memory())?)
}

/// Sets or clears `O_ASYNC`. Returns whether the file has it.
pub(crate) fn set_asynchronous(task: &Task, file: &Arc<OpenFile>, fd: Fd, on: bool) -> bool {
    let has = file.file.signals_readiness();
    if has {
        kernel::signal::driven::set(task, file, fd.0, on);
    }
    has
}

/// `F_SETOWN_EX`.
///
/// # Errors
/// `EFAULT`, `EINVAL`, `ESRCH`.
pub(crate) fn set_exactly(task: &Task, file: &OpenFile, argument: UserPtr<OwnerEx>) -> Result<u64, Errno> {
    let owner = argument.read(&*task.memory())?;
    if owner.kind > F_OWNER_PGRP || owner.pid < 0 {
        return Err(Errno::EINVAL);
    }
    store(task, file, owner.kind, owner.pid)
}

/// `F_GETOWN_EX`.
///
/// # Errors
/// `EFAULT`.
pub(crate) fn get_exactly(task: &Task, file: &OpenFile, argument: UserPtr<OwnerEx>) -> Result<u64, Errno> {
    let owner = present(task, file);
    argument.write(&*task.memory(), &OwnerEx { kind: owner.kind, pid: owner.id })?;
    Ok(0)
}

/// `F_SETSIG`; 0 means SIGIO.
///
/// # Errors
/// `EINVAL`.
pub(crate) fn set_signal(file: &OpenFile, signal: u32) -> Result<u64, Errno> {
    let signal = i32::try_from(signal).map_err(|_| Errno::EINVAL)?;
    Signal::optional(signal)?;
    let owner = file.signal_owner().unwrap_or_default();
    file.set_signal_owner(Some(SignalOwner { signal, ..owner }));
    Ok(0)
}

/// `F_GETSIG`.
pub(crate) fn signal(file: &OpenFile) -> u64 {
    file.signal_owner().and_then(|owner| u64::try_from(owner.signal).ok()).unwrap_or(0)
}

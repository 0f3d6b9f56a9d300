//! Who gets SIGIO and SIGURG: `F_SETOWN`, `F_SETOWN_EX`, `F_SETSIG` of fcntl(2).

use abi::Errno;
use abi::fcntl::{F_OWNER_PGRP, F_OWNER_PID, F_OWNER_TID};
use abi::file::OwnerEx;
use abi::signal::Signal;
use kernel::{Task, UserPtr};
use vfs::OpenFile;
use vfs::open_file::SignalOwner;

fn store(task: &Task, file: &OpenFile, kind: u32, id: i32) -> Result<u64, Errno> {
    let exists = match (kind, id) {
        (_, 0) => true,
        (F_OWNER_TID, tid) => task.kernel.task(tid).is_some(),
        (F_OWNER_PID, pid) => task.kernel.group(pid).is_some(),
        (_, group) => task.kernel.pids.has_process_group(group),
    };
    if !exists {
        return Err(Errno::ESRCH);
    }
    let signal = file.signal_owner().map_or(0, |owner| owner.signal);
    file.set_signal_owner(Some(SignalOwner { kind, id, signal }));
    Ok(0)
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
pub(crate) fn get(file: &OpenFile) -> u64 {
    let id = file.signal_owner().map_or(0, |o| if o.kind == F_OWNER_PGRP { -o.id } else { o.id });
    i64::from(id).cast_unsigned()
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
    let owner = file.signal_owner().unwrap_or_default();
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

//! Leases: `F_SETLEASE` and `F_GETLEASE` of fcntl(2).

use std::sync::Arc;

use abi::Errno;
use abi::fcntl::{F_RDLCK, F_UNLCK, F_WRLCK};
use kernel::Task;
use vfs::lease::LeaseKind;
use vfs::{Capability, Fd, FileKind, OpenFile};

/// `F_SETLEASE`.
///
/// # Errors
/// `EINVAL` for what is no regular file or no lease, `EACCES` for a file of somebody else without CAP_LEASE, `EAGAIN`.
pub(super) fn set_lease(task: &Task, file: &Arc<OpenFile>, fd: Fd, argument: u64) -> Result<u64, Errno> {
    let wanted = i16::try_from(argument).map_err(|_| Errno::EINVAL)?;
    let kind = match wanted {
        F_RDLCK => LeaseKind::Read,
        F_WRLCK => LeaseKind::Write,
        F_UNLCK => LeaseKind::None,
        _ => return Err(Errno::EINVAL),
    };
    let in_use = file.in_use().filter(|_| file.kind() == FileKind::Regular);
    if kind == LeaseKind::None {
        in_use.ok_or(Errno::EAGAIN)?.end_lease(file.id)?;
        file.set_signal_owner(None);
        return Ok(0);
    }
    let credentials = task.credentials();
    if file.attributes()?.owner.uid != credentials.fsuid && !credentials.has(Capability::Lease) {
        return Err(Errno::EACCES);
    }
    let in_use = in_use.ok_or(Errno::EINVAL)?;
    in_use.set_lease(file.id, kind, kernel::signal::driven::lease_holder(task, file, fd.0))?;
    Ok(0)
}

/// `F_GETLEASE`.
pub(super) fn lease_of(file: &OpenFile) -> u64 {
    let kind = file.in_use().and_then(|in_use| in_use.lease(file.id));
    match kind {
        Some(LeaseKind::Read) => F_RDLCK.unsigned_abs().into(),
        Some(LeaseKind::Write) => F_WRLCK.unsigned_abs().into(),
        Some(LeaseKind::None) | None => F_UNLCK.unsigned_abs().into(),
    }
}

//! What clone(2) refuses before it does anything.

use abi::Errno;
use abi::clone::CloneFlags;
use vfs::Capability;

use super::CloneRequest;
use crate::Task;
use crate::limits::Resource;

/// Checks a request's flags against each other and against what the caller may do.
///
/// # Errors
/// `EINVAL` for contradictions; `EAGAIN` over `RLIMIT_NPROC`.
pub(super) fn request(task: &Task, request: &CloneRequest) -> Result<(), Errno> {
    let flags = request.flags;
    let has = |wanted: CloneFlags| flags.contains(wanted);
    let contradictions = [
        has(CloneFlags::SIGHAND) && !has(CloneFlags::VM),
        has(CloneFlags::THREAD) && !has(CloneFlags::SIGHAND),
        has(CloneFlags::CLEAR_SIGHAND) && has(CloneFlags::SIGHAND),
        has(CloneFlags::FS) && flags.intersects(CloneFlags::NEWNS | CloneFlags::NEWUSER),
        has(CloneFlags::PIDFD) && has(CloneFlags::DETACHED),
        has(CloneFlags::PARENT) && task.group.is_init(),
        has(CloneFlags::THREAD) && flags.intersects(CloneFlags::NEWUSER | CloneFlags::NEWPID),
        has(CloneFlags::NEWIPC) && has(CloneFlags::SYSVSEM),
    ];
    if contradictions.contains(&true) {
        return Err(Errno::EINVAL);
    }
    let credentials = task.credentials();
    let exempt = credentials.uid == 0
        || credentials.has(Capability::SysResource)
        || credentials.has(Capability::SysAdmin);
    let limit = task.group.limits.lock().count(Resource::Nproc);
    if !exempt && task.kernel.pids.tasks_of(credentials.uid) >= limit {
        return Err(Errno::EAGAIN);
    }
    Ok(())
}

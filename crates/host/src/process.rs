//! fork(2), for a process that has one thread.

use abi::Errno;
use rustix::process::Pid;

/// Which side of a fork this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// The new process.
    Child,
    /// The old one, with the child's id.
    Parent(Pid),
}

/// fork(2). The child is a copy that goes on from here, with everything that the parent had.
///
/// # Errors
/// `EINVAL` if the process has other threads: their locks would stay locked in the child for ever. Those of fork(2).
pub fn fork() -> Result<Fork, Errno> {
    // SAFETY: unshare(2) of CLONE_THREAD does nothing in a process with one thread, and fails in any other.
    if unsafe { libc::unshare(libc::CLONE_THREAD) } < 0 {
        return Err(crate::last_errno());
    }
    // SAFETY: there is one thread, so the child's copy of memory is as consistent as the parent's.
    let pid = unsafe { libc::fork() };
    match (pid, Pid::from_raw(pid)) {
        (0, _) => Ok(Fork::Child),
        (1.., Some(child)) => Ok(Fork::Parent(child)),
        _ => Err(crate::last_errno()),
    }
}

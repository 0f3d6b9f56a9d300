//! Puts a filter in force.

use abi::Errno;

use super::Instruction;

/// Whom a filter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The calling thread and those it will make.
    Thread,
    /// All threads of the process.
    Process,
}

pub(super) fn install(program: &[Instruction], scope: Scope) -> Result<(), Errno> {
    rustix::thread::set_no_new_privs(true).map_err(|e| Errno::from_raw(e.raw_os_error()))?;
    let header = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| Errno::E2BIG)?,
        filter: program.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    };
    let flags = match scope {
        Scope::Thread => 0,
        Scope::Process => libc::SECCOMP_FILTER_FLAG_TSYNC,
    };
    // SAFETY: `header` points at `len` instructions laid out as `sock_filter` (repr(C), same fields), which the
    // kernel copies and does not write.
    let result =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const header) };
    match result {
        0 => Ok(()),
        // A positive result is the id of a thread that could not be synchronised.
        1.. => Err(Errno::ESRCH),
        _ => Err(crate::last_errno()),
    }
}

//! Safe wrappers of the host calls that the sentry and the gofer make.
//! Together with `stub` and `platform` the only place for `unsafe`.

pub mod auxv;
pub mod clock;
pub mod descriptions;
pub mod descriptors;
pub mod duty;
pub mod identity;
pub mod inherit;
pub mod machine;
pub mod memory_file;
pub mod mounts;
pub mod process;
pub mod random;
pub mod record_lock;
pub mod reopen;
pub mod seccomp;
pub mod signals;
pub mod spawn;
pub mod system;
pub mod terminal;
pub mod text;

use abi::Errno;

/// A host error of rustix as the project's own type.
pub(crate) fn errno_of(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

/// What the last failed call through libc left in `errno`.
pub(crate) fn last_errno() -> Errno {
    Errno::from_raw(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
}

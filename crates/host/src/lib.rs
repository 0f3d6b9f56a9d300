//! Safe wrappers of the host calls that the sentry and the gofer make.
//! Together with `stub` and `platform` the only place for `unsafe`.

pub mod inherit;
pub mod mounts;
pub mod process;
pub mod random;
pub mod record_lock;
pub mod seccomp;
pub mod signals;
pub mod spawn;

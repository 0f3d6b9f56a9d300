//! Safe wrappers of the host calls that the sentry and the gofer make.
//! Together with `stub` and `platform` the only place for `unsafe`.

pub mod inherit;
pub mod process;
pub mod random;
pub mod seccomp;
pub mod signals;
pub mod spawn;

//! The sentry process: boots and assembles the kernel.
//!
//! The runtime starts one process per sandbox in namespaces of its own and calls [`enter`] there. That process
//! empties its file system, forks the sentry and stays behind as init of the pid namespace: when the sentry or the
//! runtime is gone it ends, and the host ends everything else in the namespace with it.
#![forbid(unsafe_code)]

pub mod archive;
mod assemble;
mod boot;
pub mod control;
mod direct;
mod failure;
pub mod filter;
mod init;
mod isolation;
mod modes;
mod privileges;
pub mod spec;
mod window;

pub use boot::{Boot, Document, Life, enter};
pub use failure::Failure;
pub use window::take_terminal;

//! The kernel: tasks, credentials, signals, timers and the loader.
//!
//! A [`Task`] is an object; a system call is carried through by whichever thread of the sentry its stop or its wake-up
//! reached ([`executor`]). A call that cannot finish parks as a future and gives the thread back. Nothing in here
//! blocks.
//!
//! System calls themselves are in the crate `syscalls`, behind [`Dispatcher`].
#![forbid(unsafe_code)]

pub mod accounting;
pub mod address_space;
pub mod aio;
pub mod children;
pub mod clone;
pub mod container;
pub mod control_group;
pub mod current;
pub mod exec;
pub mod executor;
pub mod exit;
pub mod exit_status;
pub mod freezer;
pub mod fs_context;
pub mod group;
pub mod heap;
pub mod inspect;
pub mod ipc;
pub mod kernel;
pub mod limits;
pub mod lock_order;
mod mapped_files;
pub mod memory;
pub mod memory_locks;
pub mod memory_notes;
pub mod namespace;
pub mod outcome;
pub mod pidfd;
pub mod pids;
pub mod seccomp;
pub mod signal;
pub mod spawn;
mod strace;
pub mod task;
pub mod terminal;
#[cfg(test)]
mod testing;
pub mod time;
pub mod version;
pub mod vfork;
pub mod wait;
pub mod waiting;

pub use address_space::AddressSpace;
pub use exit_status::ExitStatus;
pub use fs_context::FsContext;
pub use group::ThreadGroup;
pub use kernel::{Dispatcher, Kernel};
pub use memory::{GuestSink, GuestSource, IoVec, IoVecs, UserAddr, UserPtr};
pub use outcome::Outcome;
pub use task::Task;

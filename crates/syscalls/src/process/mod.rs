//! Processes and threads.

pub mod arch_prctl;
pub mod clone;
pub mod execve;
pub mod exit;
pub mod futex;
pub mod ids;
pub mod kcmp;
pub mod namespace;
pub mod pidfd;
pub mod prctl;
pub mod robust_list;
pub mod seccomp;
pub mod wait;

//! Signals: signal(7).
//!
//! A signal is *sent* to a task or a process, is *pending* until a task *takes* it, and then has its *action*. Taking is done by
//! the task itself, at the end of a system call or when its thread was interrupted, never by the sender.

mod actions;
mod pending;
mod quota;
mod state;

pub use quota::{Charge, Quota};
pub use state::{ChildDisposition, GroupSignals, TaskSignals};

/// Sends a signal to a task. Takes locks of rank 2 and above.
pub fn send_to_task(task: &std::sync::Arc<crate::Task>, info: abi::signal::Siginfo) {
    let _ = (task, info);
}

/// Sends a signal to a process. Takes locks of rank 2 and above.
pub fn send_to_group(group: &std::sync::Arc<crate::ThreadGroup>, info: abi::signal::Siginfo) {
    let _ = (group, info);
}

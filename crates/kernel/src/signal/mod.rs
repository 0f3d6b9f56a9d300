//! Signals: signal(7).
//!
//! A signal is *sent* to a task or a process, is *pending* until a task *takes* it, and then has its *action*. Taking is done by
//! the task itself, at the end of a system call or when its thread was interrupted, never by the sender.

mod actions;
pub mod altstack;
mod arch;
mod attention;
mod deliver;
pub mod directories;
pub mod driven;
mod lineage;
mod mask;
mod own_mask;
mod pending;
pub mod permission;
mod publish;
mod quota;
mod restart;
mod send;
pub mod sender;
mod set_action;
pub mod signal_fd;
mod state;
mod stop;
mod take;

pub(crate) use altstack::has_lasting_stack;
pub(crate) use arch::set_result;
pub use deliver::sigreturn;
pub(crate) use deliver::{Answer, Pause, deliver, deliver_behind, fault};
pub use lineage::{exec_reset, group_ended, task_ended};
pub(crate) use mask::restore_after_call;
pub use mask::{has_pending, pending_blocked, set_blocked, set_blocked_for_call, set_wanted, take_one_of};
pub(crate) use mask::{has_work, is_doomed};
pub(crate) use pending::Queued;
pub use quota::{Charge, Quota};
pub(crate) use restart::{forget, prepare};
pub(crate) use send::send_from_timer;
pub use send::{Origin, Target, send, send_to_group, send_to_task};
pub use set_action::set_action;
pub use signal_fd::SignalFd;
pub use state::{ChildDisposition, GroupSignals, TaskSignals};
pub(crate) use stop::join_stop;
pub(crate) use take::{Delivery, Next, force, force_fatal, force_fatal_with, take};

#[cfg(test)]
mod outside_tests;
#[cfg(test)]
mod tests;

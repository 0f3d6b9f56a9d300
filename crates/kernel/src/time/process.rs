//! The timers of a process.

use std::sync::Arc;

use abi::signal::Siginfo;

use crate::signal::Queued;
use crate::{Task, ThreadGroup};

/// Interval timers and POSIX timers.
#[derive(Default)]
pub struct ProcessTimers {}

/// What a taken signal tells its taker.
pub(crate) fn taken(_task: &Arc<Task>, queued: Queued) -> Siginfo {
    queued.info
}

/// POSIX timers do not outlive a program; interval timers do.
pub(crate) fn exec_reset(_group: &Arc<ThreadGroup>) {}

/// The process has ended.
pub(crate) fn end(_group: &Arc<ThreadGroup>) {}

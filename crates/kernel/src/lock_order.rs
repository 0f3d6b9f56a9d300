//! The order of the kernel's locks.
//!
//! Whoever holds a lock takes only locks of a higher rank. Two locks of the same rank are never held together.
//!
//! | rank | lock | guards |
//! |---|---|---|
//! | 0 | `control_group::ControlGroups` | all control groups, and which of them tasks are in |
//! | 0 | `time::interval::Intervals::sending` | that no signal of a timer is under way |
//! | 1 | `pids::PidNamespace` | ids, parents and children, process groups, sessions, exit records |
//! | 2 | `ThreadGroup::state` | a process's tasks and how it ends |
//! | 3 | `signal::GroupSignals` | pending signals and dispositions of a process |
//! | 4 | `signal::TaskSignals` | pending signals and mask of a task |
//! | 5 | `Task`'s cell | what a task is doing |
//! | 6 | all others in this crate: credentials, `FsContext`, the image of an address space, limits, wait queues, timers | themselves |
//!
//! Sending a signal (`signal::send_to_task`, `signal::send_to_group`) starts at rank 2 at the lowest, so it may be done under rank 1.
//! No lock is held while a file is opened, read, written, flushed or dropped, while a [`vfs::WaitQueue`] notifies (except that a task's
//! listener, which only marks the task, may be called under any), and while [`platform::Thread`] is called (except `interrupt`, which
//! never calls back).

//! System V IPC: sysvipc(7).

pub mod messages;
pub mod posix_queues;
pub mod semaphores;
pub mod shared_memory;

//! POSIX message queues: mq_overview(7). Queues are the files of a filesystem, which every IPC namespace has one of.
#![forbid(unsafe_code)]

mod file;
mod filesystem;
mod limits;
mod node;
mod queue;
mod root;

pub use file::QueueFile;
pub use filesystem::{Asked, Mqueues};
pub use limits::{MESSAGES_DEFAULT, MESSAGES_MAX, QUEUES_MAX, Reservation, SIZE_DEFAULT, SIZE_MAX, Shape};
pub use queue::{Notifier, PRIORITY_MAX, Queue, Sender, Status};

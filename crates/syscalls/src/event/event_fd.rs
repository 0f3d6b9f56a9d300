//! eventfd(2), eventfd2(2).

use std::sync::Arc;

use abi::Errno;
use anon::EventFd;
use kernel::Task;
use vfs::{Fd, OpenFlags};

use crate::file::descriptor;

/// `EFD_SEMAPHORE`.
const SEMAPHORE: u32 = 1;

/// eventfd(2).
///
/// # Errors
/// `EMFILE`.
pub fn eventfd(task: &Arc<Task>, initial: u32) -> Result<Fd, Errno> {
    eventfd2(task, initial, 0)
}

/// eventfd2(2).
///
/// # Errors
/// `EINVAL` for unknown flags, `EMFILE`.
pub fn eventfd2(task: &Arc<Task>, initial: u32, flags: u32) -> Result<Fd, Errno> {
    let known = OpenFlags::CLOEXEC | OpenFlags::NONBLOCK;
    let open =
        OpenFlags::from_bits(flags & !SEMAPHORE).filter(|f| known.contains(*f)).ok_or(Errno::EINVAL)?;
    let file = EventFd::new(initial, flags & SEMAPHORE != 0);
    let kept = open.intersection(OpenFlags::NONBLOCK) | OpenFlags::RDWR;
    descriptor::install_new(task, file, kept, open.contains(OpenFlags::CLOEXEC))
}

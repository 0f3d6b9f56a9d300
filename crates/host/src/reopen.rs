//! Opening what a descriptor refers to once more, with another access mode or as a description of its own: through the links of
//! /proc/self/fd, see proc_pid_fd(5).

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use abi::Errno;
use rustix::fs::{Mode, OFlags, open, openat};

use crate::errno_of;

static DESCRIPTORS: OnceLock<OwnedFd> = OnceLock::new();

/// Keeps the calling process's own directory of descriptors, found in this directory /proc. A process that loses sight of
/// /proc calls this before it opens anything again; the first call counts.
///
/// # Errors
/// `ENOENT` if it is no /proc of the process's pid namespace.
pub fn keep_descriptors(proc: BorrowedFd<'_>) -> Result<(), Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(proc, "self/fd", flags, Mode::empty()).map_err(errno_of)?;
    let _ = DESCRIPTORS.set(directory);
    Ok(())
}

/// Opens the file of a descriptor with these flags, close-on-exec.
///
/// # Errors
/// Those of open(2); `ENOENT` without sight of /proc.
pub fn reopen(file: impl AsFd, flags: OFlags) -> Result<OwnedFd, Errno> {
    let number = file.as_fd().as_raw_fd();
    let flags = flags | OFlags::CLOEXEC;
    match DESCRIPTORS.get() {
        Some(directory) => openat(directory, number.to_string(), flags, Mode::empty()),
        None => open(format!("/proc/self/fd/{number}"), flags, Mode::empty()),
    }
    .map_err(errno_of)
}

//! close(2), close_range(2).

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use vfs::Fd;

/// `CLOSE_RANGE_UNSHARE`.
const UNSHARE: u32 = 2;
/// `CLOSE_RANGE_CLOEXEC`.
const CLOEXEC: u32 = 4;

/// close(2). The descriptor is closed even if an error is reported.
///
/// # Errors
/// `EBADF`, and what the file reports.
pub fn close(task: &Arc<Task>, fd: Fd) -> Result<(), Errno> {
    let files = task.files();
    let file = files.remove(fd)?;
    if file.file.stays_for_mapping() {
        task.close_unmapped();
    }
    files.closed(&file)
}

/// close_range(2).
///
/// # Errors
/// `EINVAL`.
pub fn close_range(task: &Arc<Task>, first: u32, last: u32, flags: u32) -> Result<(), Errno> {
    if flags & !(UNSHARE | CLOEXEC) != 0 || first > last {
        return Err(Errno::EINVAL);
    }
    if flags & UNSHARE != 0 {
        let own = task.files().fork();
        drop(task.replace_files(own));
    }
    let files = task.files();
    for (fd, file) in files.list() {
        if u32::try_from(fd.0).is_ok_and(|number| (first..=last).contains(&number)) {
            if flags & CLOEXEC != 0 {
                files.set_close_on_exec(fd, true).or_else(gone)?;
            } else if files.remove(fd).is_ok() {
                // As Linux, the errors of files that close are not reported.
                let _ = files.closed(&file);
            }
        }
    }
    Ok(())
}

/// Another thread closed it meanwhile.
fn gone(errno: Errno) -> Result<(), Errno> {
    if errno == Errno::EBADF { Ok(()) } else { Err(errno) }
}

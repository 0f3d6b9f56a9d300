//! fadvise64(2), readahead(2): advice that needs not be taken.

use std::sync::Arc;

use abi::Errno;
use kernel::Task;
use vfs::{Fd, FileKind};

use super::descriptor;

/// `POSIX_FADV_NOREUSE`, the last.
const LAST: u32 = 5;

/// fadvise64(2). The host decides what it caches.
///
/// # Errors
/// `EBADF`, `EINVAL`, `ESPIPE`.
pub fn fadvise64(task: &Arc<Task>, fd: Fd, _offset: i64, length: i64, advice: u32) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    if file.attributes()?.kind == FileKind::Fifo {
        return Err(Errno::ESPIPE);
    }
    if length < 0 || advice > LAST { Err(Errno::EINVAL) } else { Ok(()) }
}

/// readahead(2).
///
/// # Errors
/// `EBADF` if not open for reading, `EINVAL` for anything but a regular file, and for a negative size.
pub fn readahead(task: &Arc<Task>, fd: Fd, _offset: i64, count: usize) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    if !file.flags().reads() {
        return Err(Errno::EBADF);
    }
    let sane = isize::try_from(count).is_ok() && file.attributes()?.kind == FileKind::Regular;
    if sane { Ok(()) } else { Err(Errno::EINVAL) }
}

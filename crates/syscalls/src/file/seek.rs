//! lseek(2).

use std::sync::Arc;

use abi::Errno;
use abi::fcntl::{SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET};
use kernel::Task;
use vfs::{Fd, FileKind, Seek};

use super::descriptor;

/// lseek(2).
///
/// # Errors
/// `EBADF`, `EINVAL`, `ENXIO`, `EOVERFLOW`, `ESPIPE`.
pub fn lseek(task: &Arc<Task>, fd: Fd, offset: i64, whence: u32) -> Result<u64, Errno> {
    let file = descriptor::get(task, fd)?;
    let behind_end = || u64::try_from(offset).map_err(|_| Errno::ENXIO);
    let to = match whence {
        SEEK_SET => Seek::Set(u64::try_from(offset).map_err(|_| Errno::EINVAL)?),
        SEEK_CUR => Seek::Current(offset),
        SEEK_END => Seek::End(offset),
        SEEK_DATA => Seek::Data(behind_end()?),
        SEEK_HOLE => Seek::Hole(behind_end()?),
        _ => return Err(Errno::EINVAL),
    };
    if file.kind() == FileKind::Directory && whence == SEEK_END {
        return Err(Errno::EINVAL);
    }
    file.seek(to)
}

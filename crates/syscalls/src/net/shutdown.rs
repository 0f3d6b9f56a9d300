//! shutdown(2).

use std::sync::Arc;

use abi::Errno;
use abi::socket::message::{SHUT_RD, SHUT_RDWR, SHUT_WR};
use kernel::Task;
use socket::Shutdown;
use vfs::Fd;

use super::descriptor::Open;
use crate::file::descriptor;

/// shutdown(2).
///
/// # Errors
/// `EBADF`, `ENOTSOCK`, `EINVAL`, `ENOTCONN`.
pub fn shutdown(task: &Arc<Task>, fd: Fd, how: u32) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    let open = Open::of(&file)?;
    let how = match how {
        SHUT_RD => Shutdown { read: true, write: false },
        SHUT_WR => Shutdown { read: false, write: true },
        SHUT_RDWR => Shutdown { read: true, write: true },
        _ => return Err(Errno::EINVAL),
    };
    open.socket().shutdown(how)
}

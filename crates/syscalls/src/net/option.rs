//! getsockopt(2), setsockopt(2).

use std::sync::Arc;

use abi::Errno;
use kernel::memory::{read_exact, write_all};
use kernel::{Task, UserAddr, UserPtr};
use vfs::Fd;

use super::control;
use super::descriptor::{Open, caller};
use crate::file::descriptor;

/// The most that is read of a value: no option that is known has a larger one.
const VALUE_MAX: usize = 1024;

/// getsockopt(2).
///
/// # Errors
/// `EBADF`, `ENOTSOCK`, `ENOPROTOOPT`, `EOPNOTSUPP`, `EINVAL`, `EFAULT`.
pub fn getsockopt(
    task: &Arc<Task>,
    fd: Fd,
    level: u32,
    name: u32,
    value: UserAddr,
    length: UserPtr<i32>,
) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    let open = Open::of(&file)?;
    let memory = task.memory();
    let room = usize::try_from(length.read(&*memory)?).map_err(|_| Errno::EINVAL)?;
    let bytes = open.socket_file.option(level, name)?.to_bytes(|identity| control::ucred(task, identity));
    let count = room.min(bytes.len());
    write_all(&*memory, value, bytes.get(..count).unwrap_or_default())?;
    length.write(&*memory, &i32::try_from(count).unwrap_or(i32::MAX))
}

/// setsockopt(2).
///
/// # Errors
/// As [`getsockopt`], `EPERM`, `EDOM`.
pub fn setsockopt(
    task: &Arc<Task>,
    fd: Fd,
    level: u32,
    name: u32,
    value: UserAddr,
    length: i32,
) -> Result<(), Errno> {
    let file = descriptor::get(task, fd)?;
    let open = Open::of(&file)?;
    let length = usize::try_from(length).map_err(|_| Errno::EINVAL)?.min(VALUE_MAX);
    let mut bytes = vec![0; length];
    read_exact(&*task.memory(), value, &mut bytes)?;
    open.socket_file.set_option(level, name, &bytes, &caller(task))
}

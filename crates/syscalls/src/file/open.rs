//! open(2), openat(2), openat2(2), creat(2).

use std::sync::Arc;

use abi::Errno;
use kernel::{Task, UserAddr, wait};
use vfs::ops::open_how::OpenHow;
use vfs::{Events, Fd, OpenFile, OpenFlags};

use super::at::{FDCWD, at};
use super::{descriptor, job_control};
use crate::argument::{PathPtr, read_extensible};

/// The size of `struct open_how` in its first version, and now.
const HOW_SIZE: usize = size_of::<abi::file::OpenHow>();
/// The largest `struct open_how` that is looked at.
const HOW_MOST: usize = 4096;

async fn open_as(task: &Arc<Task>, directory: Fd, path: PathPtr, how: OpenHow) -> Result<Fd, Errno> {
    let file = at(task, directory, path, |caller, at| caller.open(at, &how))?;
    wait_for_peer(task, &file).await?;
    if !how.flags.intersects(OpenFlags::NOCTTY | OpenFlags::PATH) {
        job_control::opened(task, &file);
    }
    descriptor::install(task, file, how.flags.contains(OpenFlags::CLOEXEC))
}

/// A FIFO is open when its other end is.
async fn wait_for_peer(task: &Arc<Task>, file: &Arc<OpenFile>) -> Result<(), Errno> {
    match file.file.readiness() {
        Some(queue) => wait::until(task, queue, Events::IN | Events::OUT, || file.file.opened()).await,
        None => Ok(()),
    }
}

/// open(2).
///
/// # Errors
/// Those of open(2).
pub async fn open(task: &Arc<Task>, path: PathPtr, flags: u32, mode: u32) -> Result<Fd, Errno> {
    openat(task, FDCWD, path, flags, mode).await
}

/// openat(2).
///
/// # Errors
/// Those of open(2).
pub async fn openat(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    flags: u32,
    mode: u32,
) -> Result<Fd, Errno> {
    open_as(task, directory, path, OpenHow::lenient(flags, mode)?).await
}

/// creat(2).
///
/// # Errors
/// Those of open(2).
pub async fn creat(task: &Arc<Task>, path: PathPtr, mode: u32) -> Result<Fd, Errno> {
    let flags = OpenFlags::CREAT | OpenFlags::WRONLY | OpenFlags::TRUNC;
    openat(task, FDCWD, path, flags.bits(), mode).await
}

/// openat2(2).
///
/// # Errors
/// Those of openat2(2), `E2BIG` for a structure with unknown fields set.
pub async fn openat2(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    how: UserAddr,
    size: usize,
) -> Result<Fd, Errno> {
    if size < HOW_SIZE {
        return Err(Errno::EINVAL);
    }
    if size > HOW_MOST {
        return Err(Errno::E2BIG);
    }
    let how: abi::file::OpenHow = read_extensible(task, how, size)?;
    open_as(task, directory, path, OpenHow::strict(how.flags, how.mode, how.resolve)?).await
}

//! open(2), openat(2), openat2(2), creat(2).

use std::sync::Arc;
use std::time::Instant;

use abi::Errno;
use kernel::{Task, UserAddr, wait};
use vfs::ops::open_how::OpenHow;
use vfs::{Events, Fd, OpenFile, OpenFlags, lease};

use super::at::{FDCWD, at};
use super::{descriptor, job_control};
use crate::argument::{PathPtr, read_extensible};

/// The size of `struct open_how` in its first version, and now.
const HOW_SIZE: usize = size_of::<abi::file::OpenHow>();
/// The largest `struct open_how` that is looked at.
const HOW_MOST: usize = 4096;

async fn open_as(task: &Arc<Task>, directory: Fd, path: PathPtr, how: OpenHow) -> Result<Fd, Errno> {
    finish(task, &how, || at(task, directory, path, |caller, at| caller.open(at, &how))).await
}

/// Opens, and waits for whatever an opening may have to wait for.
///
/// # Errors
/// Those of the opening, `ERESTARTSYS`, `EMFILE`.
pub(super) async fn finish(
    task: &Arc<Task>,
    how: &OpenHow,
    open: impl FnMut() -> Result<Arc<OpenFile>, Errno>,
) -> Result<Fd, Errno> {
    let waits = !how.flags.contains(OpenFlags::NONBLOCK) && !how.resolve.contains(vfs::Resolve::CACHED);
    let file = without_leases(task, waits, open).await?;
    wait_for_peer(task, &file).await?;
    if !how.flags.intersects(OpenFlags::NOCTTY | OpenFlags::PATH) {
        job_control::opened(task, &file);
    }
    descriptor::install(task, file, how.flags.contains(OpenFlags::CLOEXEC))
}

/// Carries out what a lease may stand against: if it `waits`, until the holder has given it up or its time is over.
///
/// # Errors
/// The operation's, `EAGAIN` for a lease if it does not wait, `ERESTARTSYS`.
pub(super) async fn without_leases<R>(
    task: &Arc<Task>,
    waits: bool,
    mut attempt: impl FnMut() -> Result<R, Errno>,
) -> Result<R, Errno> {
    loop {
        match attempt() {
            Err(Errno::EAGAIN) if waits => {}
            done => return done,
        }
        let until = Instant::now().checked_add(lease::BREAK_TIME);
        match wait::until_deadline(task, lease::changes(), Events::all(), until, &mut attempt).await {
            // Its time is over now.
            Err(Errno::ETIMEDOUT) => {}
            done => return done,
        }
    }
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

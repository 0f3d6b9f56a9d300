//! readv(2), writev(2), preadv(2), pwritev(2), preadv2(2), pwritev2(2).

use std::sync::Arc;

use abi::Errno;
use abi::file::IoVec;
use kernel::{Task, UserPtr};
use vfs::Fd;

use super::{Manner, Place, read_file, several, write_file};
use crate::file::descriptor;

bitflags::bitflags! {
    /// `RWF_*`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct ReadWrite: u32 {
        /// Polls the device; without effect.
        const HIPRI = 1;
        /// As `O_DSYNC`, for this write.
        const DSYNC = 2;
        /// As `O_SYNC`, for this write.
        const SYNC = 4;
        /// As `O_NONBLOCK`, for this call.
        const NOWAIT = 8;
        /// As `O_APPEND`, for this write.
        const APPEND = 0x10;
        /// As without `O_APPEND`, for this write.
        const NOAPPEND = 0x20;
    }
}

impl ReadWrite {
    fn parse(bits: u32) -> Result<Self, Errno> {
        Self::from_bits(bits).ok_or(Errno::EOPNOTSUPP)
    }

    fn manner(self) -> Result<Manner, Errno> {
        let append = match (self.contains(Self::APPEND), self.contains(Self::NOAPPEND)) {
            (true, true) => return Err(Errno::EINVAL),
            (true, false) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        };
        Ok(Manner { nonblocking: self.contains(Self::NOWAIT), append })
    }
}

/// Where preadv2(2) goes: -1 means the description's offset.
fn place(offset: i64) -> Result<Place, Errno> {
    if offset == -1 { Ok(Place::Here) } else { Place::at(offset) }
}

/// readv(2).
///
/// # Errors
/// As [`super::read::read`], `EINVAL` for a bad array.
pub async fn readv(task: &Arc<Task>, fd: Fd, array: UserPtr<IoVec>, count: usize) -> Result<usize, Errno> {
    let file = descriptor::get(task, fd)?;
    read_file(task, &file, several(task, array, count)?, Place::Here, false).await
}

/// writev(2).
///
/// # Errors
/// As [`super::write::write`], `EINVAL` for a bad array.
pub async fn writev(task: &Arc<Task>, fd: Fd, array: UserPtr<IoVec>, count: usize) -> Result<usize, Errno> {
    let file = descriptor::get(task, fd)?;
    write_file(task, &file, several(task, array, count)?, Place::Here, Manner::default()).await
}

/// preadv(2).
///
/// # Errors
/// As [`readv`], `ESPIPE`.
pub async fn preadv(
    task: &Arc<Task>,
    fd: Fd,
    array: UserPtr<IoVec>,
    count: usize,
    offset: i64,
) -> Result<usize, Errno> {
    let place = Place::at(offset)?;
    let file = descriptor::get(task, fd)?;
    read_file(task, &file, several(task, array, count)?, place, false).await
}

/// pwritev(2).
///
/// # Errors
/// As [`writev`], `ESPIPE`.
pub async fn pwritev(
    task: &Arc<Task>,
    fd: Fd,
    array: UserPtr<IoVec>,
    count: usize,
    offset: i64,
) -> Result<usize, Errno> {
    let place = Place::at(offset)?;
    let file = descriptor::get(task, fd)?;
    write_file(task, &file, several(task, array, count)?, place, Manner::default()).await
}

/// preadv2(2). The fifth argument, the upper half of the offset on 32-bit machines, is ignored.
///
/// # Errors
/// As [`preadv`], `EOPNOTSUPP` for unknown flags.
pub async fn preadv2(
    task: &Arc<Task>,
    fd: Fd,
    array: UserPtr<IoVec>,
    count: usize,
    offset: i64,
    _high: u64,
    flags: u32,
) -> Result<usize, Errno> {
    let file = descriptor::get(task, fd)?;
    let (place, flags) = (place(offset)?, ReadWrite::parse(flags)?);
    let nonblocking = flags.contains(ReadWrite::NOWAIT);
    read_file(task, &file, several(task, array, count)?, place, nonblocking).await
}

/// pwritev2(2).
///
/// # Errors
/// As [`pwritev`], `EOPNOTSUPP` for unknown flags.
pub async fn pwritev2(
    task: &Arc<Task>,
    fd: Fd,
    array: UserPtr<IoVec>,
    count: usize,
    offset: i64,
    _high: u64,
    flags: u32,
) -> Result<usize, Errno> {
    let file = descriptor::get(task, fd)?;
    let (place, flags) = (place(offset)?, ReadWrite::parse(flags)?);
    let manner = flags.manner()?;
    let done = write_file(task, &file, several(task, array, count)?, place, manner).await?;
    if flags.intersects(ReadWrite::DSYNC | ReadWrite::SYNC) {
        file.file.sync(!flags.contains(ReadWrite::SYNC))?;
    }
    Ok(done)
}

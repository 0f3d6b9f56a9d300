//! utimensat(2), futimesat(2), utimes(2), utime(2).

use std::sync::Arc;

use abi::Errno;
use abi::time::{Timespec, Timeval};
use kernel::{Task, UserPtr};
use vfs::caller::Found;
use vfs::resolve::AtFlags;
use vfs::{Fd, TimeChange, Timestamp};

use super::at::{FDCWD, at, at_or_empty};
use super::descriptor;
use crate::argument::PathPtr;

/// `UTIME_NOW`.
const NOW: i64 = 0x3fff_ffff;
/// `UTIME_OMIT`.
const OMIT: i64 = 0x3fff_fffe;

/// Access and modification time; nothing for "both now".
type Times = Option<(Option<TimeChange>, Option<TimeChange>)>;

fn exact(time: Timespec) -> Result<Option<TimeChange>, Errno> {
    match time.nsec {
        NOW => Ok(Some(TimeChange::Now)),
        OMIT => Ok(None),
        nanoseconds @ 0..1_000_000_000 => {
            let nanoseconds = u32::try_from(nanoseconds).map_err(|_| Errno::EINVAL)?;
            Ok(Some(TimeChange::To(Timestamp { seconds: time.sec, nanoseconds })))
        }
        _ => Err(Errno::EINVAL),
    }
}

fn coarse(time: Timeval) -> Result<Option<TimeChange>, Errno> {
    if !(0..1_000_000).contains(&time.usec) {
        return Err(Errno::EINVAL);
    }
    exact(Timespec { sec: time.sec, nsec: time.usec * 1000 })
}

/// utimensat(2). Without a path it is for the descriptor itself, as futimens(3) needs it.
///
/// # Errors
/// Those of utimensat(2).
pub fn utimensat(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    times: UserPtr<[Timespec; 2]>,
    flags: u32,
) -> Result<(), Errno> {
    let times: Times = match times.some() {
        None => None,
        Some(times) => {
            let [accessed, modified] = times.read(&*task.memory())?;
            Some((exact(accessed)?, exact(modified)?))
        }
    };
    if matches!(times, Some((None, None))) {
        return Ok(());
    }
    let flags = AtFlags::parse(flags, AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH)?;
    if path.0.is_null() && directory != FDCWD && flags.is_empty() {
        let file = descriptor::get(task, directory)?;
        return task.with_caller(|caller| caller.change_times_of(&Found::of(file), times));
    }
    at_or_empty(task, directory, path, flags, |caller, at| caller.change_times(at, times, flags))
}

/// futimesat(2).
///
/// # Errors
/// As [`utimensat`].
pub fn futimesat(
    task: &Arc<Task>,
    directory: Fd,
    path: PathPtr,
    times: UserPtr<[Timeval; 2]>,
) -> Result<(), Errno> {
    let times: Times = match times.some() {
        None => None,
        Some(times) => {
            let [accessed, modified] = times.read(&*task.memory())?;
            Some((coarse(accessed)?, coarse(modified)?))
        }
    };
    if path.0.is_null() && directory != FDCWD {
        let file = descriptor::get(task, directory)?;
        return task.with_caller(|caller| caller.change_times_of(&Found::of(file), times));
    }
    at(task, directory, path, |caller, at| caller.change_times(at, times, AtFlags::empty()))
}

/// utimes(2).
///
/// # Errors
/// As [`utimensat`].
pub fn utimes(task: &Arc<Task>, path: PathPtr, times: UserPtr<[Timeval; 2]>) -> Result<(), Errno> {
    futimesat(task, FDCWD, path, times)
}

/// utime(2): whole seconds.
///
/// # Errors
/// As [`utimensat`].
pub fn utime(task: &Arc<Task>, path: PathPtr, times: UserPtr<[i64; 2]>) -> Result<(), Errno> {
    let times: Times = match times.some() {
        None => None,
        Some(times) => {
            let [accessed, modified] = times.read(&*task.memory())?;
            let to = |seconds| Some(TimeChange::To(Timestamp { seconds, nanoseconds: 0 }));
            Some((to(accessed), to(modified)))
        }
    };
    at(task, FDCWD, path, |caller, at| caller.change_times(at, times, AtFlags::empty()))
}

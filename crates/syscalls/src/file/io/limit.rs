//! `RLIMIT_FSIZE`: how large a file may be made.

use std::sync::Arc;

use abi::Errno;
use abi::signal::{Siginfo, Signal};
use kernel::limits::{INFINITY, Resource};
use kernel::{IoVec, Task};
use vfs::{FileKind, OpenFile, OpenFlags, Seek};

use super::Place;

fn limit_of(task: &Task, file: &OpenFile) -> Option<u64> {
    let limit = task.group.limits.lock().get(Resource::Fsize).soft;
    (limit != INFINITY && file.attributes().is_ok_and(|a| a.kind == FileKind::Regular)).then_some(limit)
}

fn exceeded(task: &Arc<Task>) -> Errno {
    kernel::signal::send_to_task(task, Siginfo::kernel(Signal::SIGXFSZ));
    Errno::EFBIG
}

/// How much of a write of `count` bytes the limit allows. `append`: with `O_APPEND` or without, whatever the description says.
///
/// # Errors
/// `EFBIG`, with SIGXFSZ, if it would start at the limit or behind.
pub(crate) fn room(
    task: &Arc<Task>,
    file: &OpenFile,
    place: Place,
    append: Option<bool>,
    count: usize,
) -> Result<usize, Errno> {
    let Some(limit) = limit_of(task, file) else { return Ok(count) };
    let start = match place {
        _ if append.unwrap_or_else(|| file.flags().contains(OpenFlags::APPEND)) => file.attributes()?.size,
        Place::At(offset) => offset,
        Place::Here => file.seek(Seek::Current(0))?,
    };
    let room = usize::try_from(limit.saturating_sub(start)).unwrap_or(usize::MAX);
    if room == 0 && count > 0 { Err(exceeded(task)) } else { Ok(count.min(room)) }
}

/// Shortens a write so that it ends at the limit.
///
/// # Errors
/// As [`room`].
pub(crate) fn cut(
    task: &Arc<Task>,
    file: &OpenFile,
    place: Place,
    append: Option<bool>,
    pieces: &mut [IoVec],
) -> Result<(), Errno> {
    let count = pieces.iter().fold(0_usize, |sum, piece| sum.saturating_add(piece.len));
    let mut left = room(task, file, place, append, count)?;
    for piece in pieces {
        piece.len = piece.len.min(left);
        left -= piece.len;
    }
    Ok(())
}

/// Whether a regular file may grow to this size.
///
/// # Errors
/// `EFBIG`, with SIGXFSZ.
pub(crate) fn allows(task: &Arc<Task>, size: u64) -> Result<(), Errno> {
    let limit = task.group.limits.lock().get(Resource::Fsize).soft;
    if limit != INFINITY && size > limit { Err(exceeded(task)) } else { Ok(()) }
}

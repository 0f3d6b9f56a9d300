//! sendfile(2), copy_file_range(2), and positions in files that calls give by pointer.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use abi::Errno;
use kernel::{Task, UserPtr};
use vfs::io::{SliceSource, VecSink};
use vfs::{Events, Fd, FileKind, OpenFile, OpenFlags, Seek, Sink, Source};

use super::{Place, limit, transfer, wait_for};
use crate::file::descriptor;

/// Bytes that are moved at once.
const PIECE: usize = 128 * 1024;

/// Reports a broken pipe with its signal.
pub(super) fn broken(task: &Arc<Task>, errno: Errno) -> Errno {
    if errno == Errno::EPIPE {
        transfer::broken_pipe(task);
    }
    errno
}

/// Where a call reads or writes: at an offset that the guest passed by pointer and gets back, or where the description stands.
#[derive(Clone, Copy)]
pub(super) struct Position {
    given: Option<(UserPtr<i64>, u64)>,
}

impl Position {
    /// # Errors
    /// `ESPIPE` for an offset in a stream, `EINVAL` for a negative one, `EFAULT`.
    pub(super) fn new(task: &Task, file: &OpenFile, pointer: UserPtr<i64>) -> Result<Self, Errno> {
        let Some(pointer) = pointer.some() else { return Ok(Self { given: None }) };
        if !file.file.seekable() {
            return Err(Errno::ESPIPE);
        }
        let offset = u64::try_from(pointer.read(&*task.memory())?).map_err(|_| Errno::EINVAL)?;
        Ok(Self { given: Some((pointer, offset)) })
    }

    /// Whether so many bytes can follow a given offset.
    ///
    /// # Errors
    /// `EINVAL`.
    fn admits(&self, count: usize) -> Result<(), Errno> {
        let start = self.given.map_or(0, |(_, offset)| offset);
        let end = start.checked_add(count as u64);
        if end.is_some_and(|end| i64::try_from(end).is_ok()) { Ok(()) } else { Err(Errno::EINVAL) }
    }

    /// The offset in a file that has offsets.
    fn of(&self, file: &OpenFile) -> Result<u64, Errno> {
        self.given.map_or_else(|| file.seek(Seek::Current(0)), |(_, offset)| Ok(offset))
    }

    /// Reads without moving on in a file that has offsets; a stream moves.
    pub(super) fn read(&self, file: &OpenFile, into: &mut dyn Sink) -> Result<usize, Errno> {
        if file.file.seekable() { file.read_at(self.of(file)?, into) } else { file.read(into) }
    }

    /// Writes, and moves on.
    pub(super) fn write(&mut self, file: &OpenFile, from: &mut dyn Source) -> Result<usize, Errno> {
        match &mut self.given {
            None => file.write(from),
            Some((_, offset)) => {
                let done = file.write_at(*offset, from)?;
                *offset = offset.saturating_add(done as u64);
                Ok(done)
            }
        }
    }

    /// Moves on in a file that was read.
    pub(super) fn advance(&mut self, file: &OpenFile, by: usize) -> Result<(), Errno> {
        match &mut self.given {
            Some((_, offset)) => *offset = offset.saturating_add(by as u64),
            None if file.file.seekable() => {
                file.seek(Seek::Current(i64::try_from(by).map_err(|_| Errno::EINVAL)?))?;
            }
            None => {}
        }
        Ok(())
    }

    /// Gives the guest its offset back.
    ///
    /// # Errors
    /// `EFAULT`.
    pub(super) fn store(&self, task: &Task) -> Result<(), Errno> {
        match self.given {
            None => Ok(()),
            Some((pointer, offset)) => {
                pointer.write(&*task.memory(), &i64::try_from(offset).map_err(|_| Errno::EOVERFLOW)?)
            }
        }
    }

    const fn place(&self) -> Place {
        match self.given {
            None => Place::Here,
            Some((_, offset)) => Place::At(offset),
        }
    }
}

/// Lets other calls go on, in the middle of a long one.
async fn breathe() {
    let mut rested = false;
    poll_fn(|context| {
        if std::mem::replace(&mut rested, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// sendfile(2).
///
/// # Errors
/// Those of sendfile(2).
pub async fn sendfile(
    task: &Arc<Task>,
    to: Fd,
    from: Fd,
    offset: UserPtr<i64>,
    count: usize,
) -> Result<usize, Errno> {
    let (from, to) = (descriptor::get(task, from)?, descriptor::get(task, to)?);
    if !from.flags().reads() || !to.flags().writes() {
        return Err(Errno::EBADF);
    }
    let streams = matches!(from.kind(), FileKind::Directory | FileKind::Fifo);
    if to.flags().contains(OpenFlags::APPEND) || streams && offset.is_null() {
        return Err(Errno::EINVAL);
    }
    let input = Position::new(task, &from, offset)?;
    input.admits(count)?;
    let output = Position { given: None };
    let done = transfer_all(task, (&from, input), (&to, output), count).await?;
    Ok(done)
}

/// Moves data until there is no more, `count` bytes are moved, the output would have to be waited for and is not, or a signal comes.
async fn transfer_all(
    task: &Arc<Task>,
    (from, mut input): (&OpenFile, Position),
    (to, mut output): (&OpenFile, Position),
    count: usize,
) -> Result<usize, Errno> {
    let mut total = 0;
    let result = loop {
        let want = count.min(kernel::memory::MAX_RW_COUNT).saturating_sub(total).min(PIECE);
        if want == 0 {
            break Ok(());
        }
        match transfer_piece(task, (from, &mut input), (to, &mut output), want).await {
            Ok((read, written)) => {
                total += written;
                if read == 0 || written < read {
                    break Ok(());
                }
            }
            Err(errno) => break Err(errno),
        }
        if task.interrupted() {
            break Err(Errno::ERESTARTSYS);
        }
        breathe().await;
    };
    input.store(task)?;
    output.store(task)?;
    match result {
        Err(errno) if total == 0 => Err(errno),
        _ => Ok(total),
    }
}

/// Reads a piece and writes it. Returns how much was read, and how much of it was written.
async fn transfer_piece(
    task: &Arc<Task>,
    (from, input): (&OpenFile, &mut Position),
    (to, output): (&OpenFile, &mut Position),
    want: usize,
) -> Result<(usize, usize), Errno> {
    let want = limit::room(task, to, output.place(), None, want)?;
    let mut sink = VecSink::new(want);
    wait_for(task, from, Events::IN | Events::RDHUP, false, || input.read(from, &mut sink)).await?;
    let mut source = SliceSource::new(&sink.data);
    let mut done = 0;
    let mut failure = None;
    while source.left() > 0 && failure.is_none() {
        match wait_for(task, to, Events::OUT, false, || output.write(to, &mut source)).await {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(errno) => failure = Some(broken(task, errno)),
        }
    }
    input.advance(from, done)?;
    match failure {
        Some(errno) if done == 0 => Err(errno),
        _ => Ok((sink.data.len(), done)),
    }
}

/// copy_file_range(2).
///
/// # Errors
/// Those of copy_file_range(2).
pub async fn copy_file_range(
    task: &Arc<Task>,
    from: Fd,
    from_offset: UserPtr<i64>,
    to: Fd,
    to_offset: UserPtr<i64>,
    length: usize,
    flags: u32,
) -> Result<usize, Errno> {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let (from, to) = (descriptor::get(task, from)?, descriptor::get(task, to)?);
    for file in [&from, &to] {
        match file.attributes()?.kind {
            FileKind::Regular => {}
            FileKind::Directory => return Err(Errno::EISDIR),
            _ => return Err(Errno::EINVAL),
        }
    }
    if !from.flags().reads() || !to.flags().writes() || to.flags().contains(OpenFlags::APPEND) {
        return Err(Errno::EBADF);
    }
    for offset in [from_offset, to_offset] {
        ends_before_all(task, offset, length)?;
    }
    let (input, output) = (Position::new(task, &from, from_offset)?, Position::new(task, &to, to_offset)?);
    let (at, to_at) = (input.of(&from)?, output.of(&to)?);
    let there = from.attributes()?.size.saturating_sub(at);
    let length = length.min(usize::try_from(there).unwrap_or(usize::MAX));
    if is_same_file(&from, &to)? && overlaps(at, to_at, length) {
        return Err(Errno::EINVAL);
    }
    input.admits(length)?;
    output.admits(length)?;
    match at_server(task, (&from, input), (&to, output), length) {
        Err(Errno::EOPNOTSUPP) => transfer_all(task, (&from, input), (&to, output), length).await,
        done => done,
    }
}

/// Whether a range does not wrap around, its offset taken as a number without sign.
///
/// # Errors
/// `EOVERFLOW`, `EFAULT`.
fn ends_before_all(task: &Task, offset: UserPtr<i64>, length: usize) -> Result<(), Errno> {
    let Some(offset) = offset.some() else { return Ok(()) };
    let start = offset.read(&*task.memory())?.cast_unsigned();
    start.checked_add(length as u64).map(|_| ()).ok_or(Errno::EOVERFLOW)
}

/// Has the filesystem of both files copy, if it can.
///
/// # Errors
/// `EOPNOTSUPP` if it cannot.
fn at_server(
    task: &Task,
    (from, mut input): (&OpenFile, Position),
    (to, mut output): (&OpenFile, Position),
    length: usize,
) -> Result<usize, Errno> {
    let (at, to_at) = (input.of(from)?, output.of(to)?);
    let done = from.file.copy_to(at, &*to.file, to_at, length)?;
    input.advance(from, done)?;
    output.advance(to, done)?;
    input.store(task)?;
    output.store(task)?;
    Ok(done)
}

fn is_same_file(one: &OpenFile, other: &OpenFile) -> Result<bool, Errno> {
    let key = vfs::locks::LockKey::of;
    Ok(key(one)? == key(other)?)
}

const fn overlaps(one: u64, other: u64, length: usize) -> bool {
    let distance = one.abs_diff(other);
    distance < length as u64
}

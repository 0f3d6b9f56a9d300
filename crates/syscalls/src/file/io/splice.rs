//! splice(2), tee(2), vmsplice(2): data between pipes and files, through a buffer of the sentry.

use std::sync::Arc;

use abi::Errno;
use abi::file::IoVec;
use kernel::{Task, UserPtr};
use pipe::{Pipe, PipeEnd};
use vfs::io::{SliceSource, VecSink};
use vfs::{Events, Fd, OpenFile, OpenFlags, Source};

use super::{Manner, Place, read_file, several, wait_for, write_file};
use crate::file::descriptor;
use crate::file::io::copy::{Position, broken};

/// What came out of a pipe.
struct Spliced<'a>(SliceSource<'a>);

impl Source for Spliced<'_> {
    fn left(&self) -> usize {
        self.0.left()
    }

    fn take(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        self.0.take(into)
    }

    fn is_spliced(&self) -> bool {
        true
    }

    fn give_back(&mut self, count: usize) {
        self.0.give_back(count);
    }
}

/// The most that one call moves: the largest message of a FUSE server, a mebibyte and what stands before it, must go in one piece.
const MOST: usize = (1 << 20) + (1 << 16);
/// `SPLICE_F_NONBLOCK`.
const NONBLOCK: u32 = 2;
/// All flags that Linux knows: moving pages, more to come, giving pages. They are hints.
const KNOWN: u32 = 15;

pub(super) fn pipe_of(file: &OpenFile) -> Option<&Arc<Pipe>> {
    file.file.as_any().downcast_ref::<PipeEnd>().map(PipeEnd::pipe)
}

fn open_for(task: &Task, fd: Fd, writing: bool) -> Result<Arc<OpenFile>, Errno> {
    let file = descriptor::get(task, fd)?;
    let allowed = if writing { file.flags().writes() } else { file.flags().reads() };
    if allowed { Ok(file) } else { Err(Errno::EBADF) }
}

/// splice(2).
///
/// # Errors
/// Those of splice(2).
pub async fn splice(
    task: &Arc<Task>,
    from: Fd,
    from_offset: UserPtr<i64>,
    to: Fd,
    to_offset: UserPtr<i64>,
    length: usize,
    flags: u32,
) -> Result<usize, Errno> {
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    if length == 0 {
        return Ok(0);
    }
    let (from, to) = (open_for(task, from, false)?, open_for(task, to, true)?);
    let (input, output) = (pipe_of(&from), pipe_of(&to));
    if input.is_some() && !from_offset.is_null() || output.is_some() && !to_offset.is_null() {
        return Err(Errno::ESPIPE);
    }
    let (length, nonblocking) = (length.min(MOST), flags & NONBLOCK != 0);
    match (input, output) {
        (Some(input), Some(output)) if Arc::ptr_eq(input, output) => Err(Errno::EINVAL),
        (Some(input), _) => {
            let place = Position::new(task, &to, to_offset)?;
            out_of_pipe(task, (&from, input), (&to, place), length, nonblocking).await
        }
        (None, Some(output)) => {
            let place = Position::new(task, &from, from_offset)?;
            into_pipe(task, (&from, place), (&to, output), length, nonblocking).await
        }
        (None, None) => Err(Errno::EINVAL),
    }
}

/// What the output does not take goes back into the pipe.
async fn out_of_pipe(
    task: &Arc<Task>,
    (from, input): (&OpenFile, &Arc<Pipe>),
    (to, mut place): (&OpenFile, Position),
    length: usize,
    nonblocking: bool,
) -> Result<usize, Errno> {
    if to.flags().contains(OpenFlags::APPEND) && pipe_of(to).is_none() {
        return Err(Errno::EINVAL);
    }
    // Waits for both before anything is taken, so that nothing is in between when a signal comes.
    wait_for(task, from, Events::IN | Events::RDHUP, nonblocking, || input.peek(1)).await?;
    if let Some(output) = pipe_of(to) {
        wait_for(task, to, Events::OUT, nonblocking, || output.room()).await.map_err(|e| broken(task, e))?;
    }
    loop {
        let mut sink = VecSink::new(length);
        wait_for(task, from, Events::IN | Events::RDHUP, nonblocking, || input.read(&mut sink)).await?;
        let data = sink.data;
        if data.is_empty() {
            return Ok(0);
        }
        let mut source = Spliced(SliceSource::new(&data));
        let written = place.write(to, &mut source);
        input.unread(data.get(written.unwrap_or(0)..).unwrap_or_default());
        match written {
            Err(Errno::EAGAIN) if !nonblocking && !to.flags().contains(OpenFlags::NONBLOCK) => {
                wait_for(task, to, Events::OUT, false, || ready_to_write(to)).await?;
            }
            done => {
                place.store(task)?;
                return done.map_err(|e| broken(task, e));
            }
        }
    }
}

fn ready_to_write(file: &OpenFile) -> Result<(), Errno> {
    let ready = file.poll().intersects(Events::OUT | Events::ERR | Events::HUP);
    if ready { Ok(()) } else { Err(Errno::EAGAIN) }
}

/// Reads no more than the pipe has room for.
async fn into_pipe(
    task: &Arc<Task>,
    (from, mut place): (&OpenFile, Position),
    (to, output): (&OpenFile, &Arc<Pipe>),
    length: usize,
    nonblocking: bool,
) -> Result<usize, Errno> {
    let room =
        wait_for(task, to, Events::OUT, nonblocking, || output.room()).await.map_err(|e| broken(task, e))?;
    let mut sink = VecSink::new(length.min(room));
    wait_for(task, from, Events::IN | Events::RDHUP, nonblocking, || place.read(from, &mut sink)).await?;
    let mut source = SliceSource::new(&sink.data);
    let mut done = 0;
    while done < sink.data.len() {
        // Another writer may have filled the pipe meanwhile; what was read from a stream must not be lost.
        let stream = !from.file.seekable();
        let written =
            wait_for(task, to, Events::OUT, nonblocking && !stream, || output.write(&mut source, false));
        match written.await {
            Ok(count) => done += count,
            Err(errno) if done == 0 => return Err(broken(task, errno)),
            Err(_) => break,
        }
    }
    place.advance(from, done)?;
    place.store(task)?;
    Ok(done)
}

/// tee(2): copies from one pipe to another without taking.
///
/// # Errors
/// Those of tee(2).
pub async fn tee(task: &Arc<Task>, from: Fd, to: Fd, length: usize, flags: u32) -> Result<usize, Errno> {
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    if length == 0 {
        return Ok(0);
    }
    let (from, to) = (open_for(task, from, false)?, open_for(task, to, true)?);
    let (Some(input), Some(output)) = (pipe_of(&from), pipe_of(&to)) else { return Err(Errno::EINVAL) };
    if Arc::ptr_eq(input, output) {
        return Err(Errno::EINVAL);
    }
    let nonblocking = flags & NONBLOCK != 0;
    loop {
        wait_for(task, &from, Events::IN | Events::RDHUP, nonblocking, || input.peek(1)).await?;
        let room = wait_for(task, &to, Events::OUT, nonblocking, || output.room()).await;
        let room = room.map_err(|e| broken(task, e))?;
        let data = match input.peek(length.min(room).min(MOST)) {
            Err(Errno::EAGAIN) if !nonblocking => continue,
            data => data?,
        };
        match output.write(&mut SliceSource::new(&data), false) {
            Err(Errno::EAGAIN) if !nonblocking => {}
            done => return done.map_err(|e| broken(task, e)),
        }
    }
}

/// vmsplice(2): between memory and a pipe, by copying.
///
/// # Errors
/// Those of vmsplice(2).
pub async fn vmsplice(
    task: &Arc<Task>,
    fd: Fd,
    array: UserPtr<IoVec>,
    count: usize,
    flags: u32,
) -> Result<usize, Errno> {
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    let file = descriptor::get(task, fd)?;
    if pipe_of(&file).is_none() {
        return Err(Errno::EBADF);
    }
    let pieces = several(task, array, count)?;
    let nonblocking = flags & NONBLOCK != 0;
    if file.flags().writes() {
        write_file(task, &file, pieces, Place::Here, Manner::waiting_unless(nonblocking)).await
    } else {
        read_file(task, &file, pieces, Place::Here, nonblocking).await
    }
}

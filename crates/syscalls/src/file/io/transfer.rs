//! What all calls that read and write share: waiting, partial results, SIGPIPE.

use std::sync::Arc;

use abi::Errno;
use abi::signal::{SI_USER, Signal};
use kernel::{GuestSink, GuestSource, IoVecs, Task, wait};
use socket::SocketFile;
use vfs::{Events, OpenFile, OpenFlags, Source};

use crate::file::io::{limit, terminal};
use crate::file::job_control;
use crate::net;

/// Where to read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At the description's offset.
    Here,
    /// At this offset.
    At(u64),
}

impl Place {
    /// The offset argument of pread(2).
    ///
    /// # Errors
    /// `EINVAL` if it is negative.
    pub(crate) fn at(offset: i64) -> Result<Self, Errno> {
        u64::try_from(offset).map(Self::At).map_err(|_| Errno::EINVAL)
    }

    fn read(self, file: &OpenFile, sink: &mut GuestSink) -> Result<usize, Errno> {
        match self {
            Self::Here => file.read(sink),
            Self::At(offset) => file.read_at(offset, sink),
        }
    }

    fn write(self, file: &OpenFile, append: bool, source: &mut GuestSource) -> Result<usize, Errno> {
        match self {
            Self::Here => file.write_here(append, source),
            Self::At(offset) => file.write_there(offset, append, source),
        }
    }
}

/// How to write, other than the description says: `RWF_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    /// As with `O_NONBLOCK`.
    pub(crate) nonblocking: bool,
    /// With `O_APPEND`, or without.
    pub(crate) append: Option<bool>,
}

impl Manner {
    /// As the description says, but perhaps without waiting.
    pub(crate) const fn waiting_unless(nonblocking: bool) -> Self {
        Self { nonblocking, append: None }
    }
}

/// Tries until the file is ready, unless the caller does not want to wait.
///
/// # Errors
/// `EAGAIN` if it would have to wait and does not, `ERESTARTSYS` after a signal, and what the attempt fails with.
pub(crate) async fn wait_for<T>(
    task: &Arc<Task>,
    file: &OpenFile,
    events: Events,
    nonblocking: bool,
    mut attempt: impl FnMut() -> Result<T, Errno>,
) -> Result<T, Errno> {
    match file.file.readiness() {
        Some(queue) if !nonblocking && !file.flags().contains(OpenFlags::NONBLOCK) => {
            wait::until(task, queue, events, attempt).await
        }
        _ => attempt(),
    }
}

/// Whether nobody ever waits for it.
fn is_always_ready(file: &OpenFile) -> bool {
    file.file.readiness().is_none() && file.file.terminal().is_none() && SocketFile::of(file).is_none()
}

/// Reads into guest memory from a file that is always ready. Nothing for others.
///
/// # Errors
/// Those of read(2).
pub(crate) fn read_at_once(
    task: &Arc<Task>,
    file: &OpenFile,
    pieces: IoVecs,
    place: Place,
) -> Result<Option<usize>, Errno> {
    if !is_always_ready(file) {
        return Ok(None);
    }
    place.read(file, &mut GuestSink::new(task.memory(), pieces)).map(Some)
}

/// Writes from guest memory to a file that is always ready. Nothing for others.
///
/// # Errors
/// Those of write(2).
pub(crate) fn write_at_once(
    task: &Arc<Task>,
    file: &OpenFile,
    mut pieces: IoVecs,
    place: Place,
) -> Result<Option<usize>, Errno> {
    if !is_always_ready(file) {
        return Ok(None);
    }
    limit::cut(task, file, place, None, &mut pieces)?;
    let append = file.flags().contains(OpenFlags::APPEND);
    place.write(file, append, &mut GuestSource::new(task.memory(), pieces)).map(Some)
}

/// Reads into guest memory.
///
/// # Errors
/// Those of read(2).
pub(crate) async fn read_file(
    task: &Arc<Task>,
    file: &OpenFile,
    pieces: IoVecs,
    place: Place,
    nonblocking: bool,
) -> Result<usize, Errno> {
    if place == Place::Here && SocketFile::of(file).is_some() {
        return net::read(task, file, pieces, nonblocking).await;
    }
    let mut sink = GuestSink::new(task.memory(), pieces);
    if let Some(terminal) = file.file.terminal().filter(|_| place == Place::Here) {
        return terminal::read(task, file, &*terminal, &mut sink, nonblocking).await;
    }
    wait_for(task, file, Events::IN | Events::RDHUP, nonblocking, || place.read(file, &mut sink)).await
}

/// Writes from guest memory: all of it to a stream that can be waited for, as much as there is room for otherwise.
///
/// # Errors
/// Those of write(2).
pub(crate) async fn write_file(
    task: &Arc<Task>,
    file: &OpenFile,
    mut pieces: IoVecs,
    place: Place,
    manner: Manner,
) -> Result<usize, Errno> {
    if place == Place::Here && SocketFile::of(file).is_some() {
        return net::write(task, file, pieces, manner.nonblocking).await;
    }
    job_control::may_write(task, file)?;
    limit::cut(task, file, place, manner.append, &mut pieces)?;
    let mut source = GuestSource::new(task.memory(), pieces);
    let stream = file.file.readiness().is_some() && !file.file.seekable();
    let append = manner.append.unwrap_or_else(|| file.flags().contains(OpenFlags::APPEND));
    let mut done = 0;
    loop {
        let written =
            wait_for(task, file, Events::OUT, manner.nonblocking, || place.write(file, append, &mut source));
        match written.await {
            Ok(count) => {
                done += count;
                if !stream || count == 0 || source.left() == 0 {
                    return Ok(done);
                }
            }
            Err(errno) => {
                if errno == Errno::EPIPE {
                    broken_pipe(task);
                }
                return if done > 0 { Ok(done) } else { Err(errno) };
            }
        }
    }
}

/// Nobody reads any more: SIGPIPE.
pub(crate) fn broken_pipe(task: &Arc<Task>) {
    let info = kernel::signal::sender::particulars(task, &task.group, Signal::SIGPIPE, SI_USER);
    kernel::signal::send_to_task(task, info);
}

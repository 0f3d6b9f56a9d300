//! Reading from a terminal, which is complete when its settings say so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::Errno;
use kernel::{GuestSink, Task, wait};
use vfs::terminal::Terminal;
use vfs::{Events, OpenFile, OpenFlags, Sink};

use crate::file::job_control;

/// Reads into guest memory.
///
/// # Errors
/// Those of read(2).
pub(super) async fn read(
    task: &Arc<Task>,
    file: &OpenFile,
    terminal: &dyn Terminal,
    sink: &mut GuestSink,
    nonblocking: bool,
) -> Result<usize, Errno> {
    job_control::may_read(task, terminal)?;
    let nonblocking = nonblocking || file.flags().contains(OpenFlags::NONBLOCK);
    let mut done: usize = 0;
    while sink.room() > 0 {
        let rule = terminal.read_rule();
        let patience = if done == 0 { rule.first } else { rule.between };
        match piece(task, file, sink, patience, nonblocking).await {
            // The end of the file or, without patience, of what there is.
            Ok(0) | Err(Errno::ETIMEDOUT) => break,
            Ok(count) => done = done.saturating_add(count),
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        }
        if done >= rule.minimum {
            break;
        }
    }
    Ok(done)
}

/// What comes next. `ETIMEDOUT` if nothing comes in time.
async fn piece(
    task: &Arc<Task>,
    file: &OpenFile,
    sink: &mut GuestSink,
    patience: Option<Duration>,
    nonblocking: bool,
) -> Result<usize, Errno> {
    let queue = match file.file.readiness() {
        Some(queue) if !nonblocking && patience != Some(Duration::ZERO) => queue,
        _ => {
            return match file.read(sink) {
                Err(Errno::EAGAIN) if patience == Some(Duration::ZERO) => Err(Errno::ETIMEDOUT),
                done => done,
            };
        }
    };
    let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
    wait::until_deadline(task, queue, Events::IN | Events::RDHUP, deadline, || file.read(sink)).await
}

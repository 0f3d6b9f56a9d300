//! io_getevents(2), io_pgetevents(2).

use std::sync::Arc;
use std::time::Instant;

use abi::Errno;
use abi::aio::IoEvent;
use abi::signal::SignalSet;
use abi::time::Timespec;
use kernel::aio::Context;
use kernel::{Task, UserPtr, wait};
use vfs::Events;

use crate::event::timeout;

/// Events that are moved at a time.
const PIECE: usize = 1024;

/// Takes up to `most` events, and waits until there have been `least`. Fewer at the timeout and when a signal comes.
///
/// # Errors
/// `EINVAL`, `EFAULT`, `EINTR` if a signal came before the first event.
pub async fn io_getevents(
    task: &Arc<Task>,
    id: u64,
    least: i64,
    most: i64,
    events: UserPtr<IoEvent>,
    timeout: UserPtr<Timespec>,
) -> Result<u64, Errno> {
    let context = task.space().asynchronous.find(id)?;
    let span = timeout.some().map(|at| at.read(&*task.memory())?.duration()).transpose()?;
    // A time that never comes is no time.
    let deadline = span.and_then(|span| Instant::now().checked_add(span));
    let (least, most) = match (u64::try_from(least), u64::try_from(most)) {
        (Ok(least), Ok(most)) if least <= most => (least, most),
        _ => return Err(Errno::EINVAL),
    };
    let mut done = 0;
    let attempt = || {
        done += deliver(task, &context, events.at(done), most.saturating_sub(done))?;
        if done >= least { Ok(()) } else { Err(Errno::EAGAIN) }
    };
    let waited = match span {
        Some(span) if span.is_zero() => {
            let mut attempt = attempt;
            attempt()
        }
        _ => wait::until_deadline(task, &context.changed, Events::IN, deadline, attempt).await,
    };
    match waited {
        Ok(()) | Err(Errno::EAGAIN | Errno::ETIMEDOUT) => Ok(done),
        Err(_) if done > 0 => Ok(done),
        Err(Errno::ERESTARTSYS) => Err(Errno::EINTR),
        Err(errno) => Err(errno),
    }
}

/// Writes events that are there, up to `most`. Returns how many.
fn deliver(task: &Task, context: &Context, to: UserPtr<IoEvent>, most: u64) -> Result<u64, Errno> {
    let mut done = 0;
    while done < most {
        let room = usize::try_from(most.saturating_sub(done)).unwrap_or(PIECE).min(PIECE);
        let taken = context.take(room)?;
        if taken.is_empty() {
            break;
        }
        if let Err(errno) = to.at(done).write_many(&*task.memory(), &taken) {
            context.put_back(&taken);
            return if done == 0 { Err(errno) } else { Ok(done) };
        }
        done = done.saturating_add(taken.len() as u64);
    }
    Ok(done)
}

/// As [`io_getevents`], with another signal mask while it waits: the last argument points to a mask's address and size.
///
/// # Errors
/// As [`io_getevents`].
pub async fn io_pgetevents(
    task: &Arc<Task>,
    id: u64,
    least: i64,
    most: i64,
    events: UserPtr<IoEvent>,
    timeout: UserPtr<Timespec>,
    mask: UserPtr<[u64; 2]>,
) -> Result<u64, Errno> {
    if let Some(mask) = mask.some() {
        let [address, size] = mask.read(&*task.memory())?;
        let size = usize::try_from(size).map_err(|_| Errno::EINVAL)?;
        timeout::mask(task, UserPtr::<SignalSet>::new(address), size)?;
    }
    io_getevents(task, id, least, most, events, timeout).await
}

//! poll(2), ppoll(2).

use std::sync::Arc;

use abi::Errno;
use abi::file::PollFd;
use abi::signal::SignalSet;
use abi::time::Timespec;
use kernel::{Task, UserPtr};
use vfs::{Events, Fd};

use super::ready::{Entry, Until, wait_for_any};
use super::timeout;
use crate::file::descriptor;

/// poll(2).
///
/// # Errors
/// `EINVAL` for more descriptors than the caller may have, `EFAULT`, `EINTR`.
pub async fn poll(task: &Arc<Task>, fds: UserPtr<PollFd>, count: u32, timeout: i32) -> Result<usize, Errno> {
    let until = timeout::milliseconds(task, timeout);
    match poll_until(task, fds, count, until).await {
        Err(Errno::ERESTARTSYS) => Err(task.restart_at(match until {
            Until::Deadline(at) => Some(at),
            Until::Now | Until::Forever => None,
        })),
        done => done,
    }
}

/// ppoll(2).
///
/// # Errors
/// As [`poll`], `EINVAL` for a bad timeout or mask size.
pub async fn ppoll(
    task: &Arc<Task>,
    fds: UserPtr<PollFd>,
    count: u32,
    timeout: UserPtr<Timespec>,
    mask: UserPtr<SignalSet>,
    mask_size: usize,
) -> Result<usize, Errno> {
    let until = timeout::timespec(task, timeout)?;
    timeout::mask(task, mask, mask_size)?;
    let done = poll_until(task, fds, count, until).await;
    timeout::store_timespec(task, timeout, until);
    done.map_err(|errno| if errno == Errno::ERESTARTSYS { Errno::ERESTARTNOHAND } else { errno })
}

async fn poll_until(
    task: &Arc<Task>,
    fds: UserPtr<PollFd>,
    count: u32,
    until: Until,
) -> Result<usize, Errno> {
    let count = usize::try_from(count).map_err(|_| Errno::EINVAL)?;
    if count > descriptor::limit(task) {
        return Err(Errno::EINVAL);
    }
    let mut list: Vec<PollFd> = fds.read_many(&*task.memory(), count)?;
    let files = task.files();
    let mut entries = Vec::new();
    let mut places = Vec::new();
    let mut invalid = 0;
    for (at, polled) in list.iter_mut().enumerate() {
        polled.revents = 0;
        if polled.fd < 0 {
            continue;
        }
        match files.get(Fd(polled.fd)).and_then(usable) {
            Ok(file) => {
                let interest = Events::from_bits_truncate(u32::from(polled.events));
                entries.push(Entry { file, interest });
                places.push(at);
            }
            Err(_) => {
                polled.revents = bits(Events::NVAL);
                invalid += 1;
            }
        }
    }
    let until = if invalid > 0 { Until::Now } else { until };
    let ready = wait_for_any(task, &entries, until).await?;
    for (at, events) in places.into_iter().zip(&ready) {
        if let Some(polled) = list.get_mut(at) {
            polled.revents = bits(*events);
        }
    }
    fds.write_many(&*task.memory(), &list)?;
    Ok(invalid + ready.iter().filter(|events| !events.is_empty()).count())
}

/// Descriptors opened with `O_PATH` are not open as far as poll(2) is concerned.
fn usable(file: Arc<vfs::OpenFile>) -> Result<Arc<vfs::OpenFile>, Errno> {
    if file.flags().contains(vfs::OpenFlags::PATH) { Err(Errno::EBADF) } else { Ok(file) }
}

fn bits(events: Events) -> u16 {
    u16::try_from(events.bits()).unwrap_or_default()
}

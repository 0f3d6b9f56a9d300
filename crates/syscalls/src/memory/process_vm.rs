//! process_vm_readv(2) and process_vm_writev(2).

use std::sync::Arc;

use abi::Errno;
use kernel::memory::{IOV_MAX, IoVec, IoVecs};
use kernel::{GuestSink, GuestSource, Task, UserAddr, UserPtr, inspect};
use vfs::{Sink, Source};

/// Bytes moved at a time.
const PIECE: usize = 65_536;

/// Copies from another process.
///
/// # Errors
/// `EINVAL`, `EFAULT`, `ESRCH`, `EPERM`.
pub fn process_vm_readv(
    task: &Arc<Task>,
    pid: i32,
    local: UserPtr<[u64; 2]>,
    local_count: usize,
    remote: UserPtr<[u64; 2]>,
    remote_count: usize,
    flags: u64,
) -> Result<usize, Errno> {
    let (own, theirs, other) = prepare(task, pid, (local, local_count), (remote, remote_count), flags)?;
    transfer(GuestSource::new(other.memory(), theirs), GuestSink::new(task.memory(), own))
}

/// Copies to another process.
///
/// # Errors
/// `EINVAL`, `EFAULT`, `ESRCH`, `EPERM`.
pub fn process_vm_writev(
    task: &Arc<Task>,
    pid: i32,
    local: UserPtr<[u64; 2]>,
    local_count: usize,
    remote: UserPtr<[u64; 2]>,
    remote_count: usize,
    flags: u64,
) -> Result<usize, Errno> {
    let (own, theirs, other) = prepare(task, pid, (local, local_count), (remote, remote_count), flags)?;
    transfer(GuestSource::new(task.memory(), own), GuestSink::new(other.memory(), theirs))
}

/// An array of `struct iovec` as passed.
type Pieces = (UserPtr<[u64; 2]>, usize);
/// Own pieces, the other's, and the other.
type Prepared = (IoVecs, IoVecs, Arc<Task>);

fn prepare(task: &Arc<Task>, pid: i32, local: Pieces, remote: Pieces, flags: u64) -> Result<Prepared, Errno> {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let own = read(task, local)?;
    let theirs = read(task, remote)?;
    let other = task.task_of(pid).ok_or(Errno::ESRCH)?;
    inspect::may_attach(task, &other)?;
    Ok((own, theirs, other))
}

fn read(task: &Task, (at, count): Pieces) -> Result<IoVecs, Errno> {
    if count > IOV_MAX {
        return Err(Errno::EINVAL);
    }
    let mut total = 0_usize;
    let raw = at.read_many(&*task.memory(), count)?;
    raw.into_iter()
        .map(|[address, length]| {
            let len = usize::try_from(length).map_err(|_| Errno::EINVAL)?;
            total = total.checked_add(len).filter(|t| isize::try_from(*t).is_ok()).ok_or(Errno::EINVAL)?;
            Ok(IoVec { addr: UserAddr(address), len })
        })
        .collect()
}

fn transfer(mut from: GuestSource, mut to: GuestSink) -> Result<usize, Errno> {
    let mut buffer = vec![0; PIECE.min(from.left()).min(to.room())];
    let mut done = 0_usize;
    while from.left() > 0 && to.room() > 0 {
        let want = buffer.len().min(to.room());
        let moved = from.take(buffer.get_mut(..want).unwrap_or_default()).and_then(|got| {
            let put = to.put(buffer.get(..got).unwrap_or_default())?;
            Ok((got, put))
        });
        match moved {
            Ok((got, put)) => {
                done = done.saturating_add(put);
                if put < got || got == 0 {
                    break;
                }
            }
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(done)
}

//! select(2), pselect6(2).

use std::sync::Arc;

use abi::Errno;
use abi::signal::SignalSet;
use abi::time::{Timespec, Timeval};
use kernel::{Task, UserPtr};
use vfs::{Events, Fd};

use super::ready::{Entry, Until, wait_for_any};
use super::timeout;
use crate::file::descriptor;

/// What each of the three sets asks for.
const READ: Events =
    Events::IN.union(Events::RDNORM).union(Events::RDBAND).union(Events::HUP).union(Events::ERR);
const WRITE: Events = Events::OUT.union(Events::WRNORM).union(Events::WRBAND).union(Events::ERR);
const EXCEPT: Events = Events::PRI;

/// Bits in a word of a set.
const WORD: usize = 64;

/// The three sets as the guest passed them.
struct Sets {
    pointers: [UserPtr<u64>; 3],
    words: [Vec<u64>; 3],
}

impl Sets {
    fn read(task: &Task, count: usize, pointers: [UserPtr<u64>; 3]) -> Result<Self, Errno> {
        let memory = task.memory();
        let length = count.div_ceil(WORD);
        let mut words = [vec![0; length], vec![0; length], vec![0; length]];
        for (words, pointer) in words.iter_mut().zip(pointers) {
            if let Some(pointer) = pointer.some() {
                *words = pointer.read_many(&*memory, length)?;
            }
        }
        Ok(Self { pointers, words })
    }

    fn has(&self, set: usize, fd: usize) -> bool {
        let word = self.words.get(set).and_then(|words| words.get(fd / WORD)).copied().unwrap_or(0);
        word & (1 << (fd % WORD)) != 0
    }

    fn interest(&self, fd: usize) -> Events {
        let sets = [READ, WRITE, EXCEPT].into_iter().enumerate();
        sets.filter(|(set, _)| self.has(*set, fd)).fold(Events::empty(), |all, (_, events)| all | events)
    }

    /// Leaves only what is ready. Returns how many bits are left.
    fn store(&self, task: &Task, ready: &[(usize, Events)]) -> Result<usize, Errno> {
        let memory = task.memory();
        let mut count = 0;
        for (set, events) in [READ, WRITE, EXCEPT].into_iter().enumerate() {
            let (Some(pointer), Some(asked)) = (self.pointers.get(set), self.words.get(set)) else {
                continue;
            };
            let mut words = vec![0_u64; asked.len()];
            for (fd, seen) in ready {
                if self.has(set, *fd) && seen.intersects(events) {
                    if let Some(word) = words.get_mut(fd / WORD) {
                        *word |= 1 << (fd % WORD);
                    }
                    count += 1;
                }
            }
            if let Some(pointer) = pointer.some() {
                pointer.write_many(&*memory, &words)?;
            }
        }
        Ok(count)
    }
}

async fn select_until(
    task: &Arc<Task>,
    count: i32,
    pointers: [UserPtr<u64>; 3],
    until: Until,
) -> Result<usize, Errno> {
    let count = usize::try_from(count).map_err(|_| Errno::EINVAL)?;
    let files = task.files();
    // As Linux, descriptors that the table has no room for are not looked at.
    let count = count.min(files.capacity());
    let sets = Sets::read(task, count, pointers)?;
    let (mut entries, mut fds) = (Vec::new(), Vec::new());
    for fd in 0..count {
        let interest = sets.interest(fd);
        if !interest.is_empty() {
            let number = i32::try_from(fd).map_err(|_| Errno::EINVAL)?;
            entries.push(Entry { file: descriptor::get(task, Fd(number))?, interest });
            fds.push(fd);
        }
    }
    let ready = wait_for_any(task, &entries, until).await?;
    let ready: Vec<(usize, Events)> = fds.into_iter().zip(ready).collect();
    sets.store(task, &ready)
}

fn restart(errno: Errno) -> Errno {
    if errno == Errno::ERESTARTSYS { Errno::ERESTARTNOHAND } else { errno }
}

/// select(2).
///
/// # Errors
/// `EBADF`, `EINVAL`, `EFAULT`, `EINTR`.
pub async fn select(
    task: &Arc<Task>,
    count: i32,
    read: UserPtr<u64>,
    write: UserPtr<u64>,
    except: UserPtr<u64>,
    timeout: UserPtr<Timeval>,
) -> Result<usize, Errno> {
    let until = timeout::timeval(task, timeout)?;
    let done = select_until(task, count, [read, write, except], until).await;
    timeout::store_timeval(task, timeout, until);
    done.map_err(restart)
}

/// pselect6(2). The last argument points to a mask's address and size.
///
/// # Errors
/// As [`select`].
pub async fn pselect6(
    task: &Arc<Task>,
    count: i32,
    read: UserPtr<u64>,
    write: UserPtr<u64>,
    except: UserPtr<u64>,
    timeout: UserPtr<Timespec>,
    mask: UserPtr<[u64; 2]>,
) -> Result<usize, Errno> {
    let until = timeout::timespec(task, timeout)?;
    if let Some(mask) = mask.some() {
        let [address, size] = mask.read(&*task.memory())?;
        let size = usize::try_from(size).map_err(|_| Errno::EINVAL)?;
        timeout::mask(task, UserPtr::<SignalSet>::new(address), size)?;
    }
    let done = select_until(task, count, [read, write, except], until).await;
    timeout::store_timespec(task, timeout, until);
    done.map_err(restart)
}

//! kcmp(2).

use std::sync::{Arc, OnceLock};

use abi::Errno;
use anon::Epoll;
use kernel::{Task, UserPtr, inspect};
use vfs::Fd;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

const KCMP_FILE: u32 = 0;
const KCMP_VM: u32 = 1;
const KCMP_FILES: u32 = 2;
const KCMP_FS: u32 = 3;
const KCMP_SIGHAND: u32 = 4;
const KCMP_IO: u32 = 5;
const KCMP_SYSVSEM: u32 = 6;
const KCMP_EPOLL_TFD: u32 = 7;

/// `struct kcmp_epoll_slot`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct EpollSlot {
    epoll: u32,
    target: u32,
    index: u32,
}

/// Compares what two tasks have: 0 for the same, 1 and 2 for an order that holds as long as both live.
///
/// # Errors
/// `ESRCH`, `EPERM` for tasks that the caller may not look into, `EBADF`, `EINVAL`, `ENOENT`, `EFAULT`.
pub fn kcmp(
    task: &Arc<Task>,
    one: i32,
    other: i32,
    kind: u32,
    first: u64,
    second: u64,
) -> Result<u64, Errno> {
    let find = |tid| task.task_of(tid).ok_or(Errno::ESRCH);
    let (one, other) = (find(one)?, find(other)?);
    inspect::may_read_real(task, &one)?;
    inspect::may_read_real(task, &other)?;
    let pair = match kind {
        KCMP_FILE => (file(&one, first)?, file(&other, second)?),
        KCMP_VM => (one.memory().id(), other.memory().id()),
        KCMP_FILES => (address(&one.files()), address(&other.files())),
        KCMP_FS => (address(&one.fs()), address(&other.fs())),
        KCMP_SIGHAND => (one.group.signals.actions_address(), other.group.signals.actions_address()),
        KCMP_SYSVSEM => (one.undo_list_id(), other.undo_list_id()),
        // Nobody has an I/O context.
        KCMP_IO => (0, 0),
        KCMP_EPOLL_TFD => (file(&one, first)?, watched(task, &other, second)?),
        _ => return Err(Errno::EINVAL),
    };
    Ok(compare(pair))
}

fn address<T>(of: &Arc<T>) -> u64 {
    Arc::as_ptr(of).addr() as u64
}

fn descriptor(number: u64) -> Result<Fd, Errno> {
    i32::try_from(number).map(Fd).map_err(|_| Errno::EBADF)
}

fn file(task: &Task, number: u64) -> Result<u64, Errno> {
    Ok(task.files().get(descriptor(number)?)?.id)
}

/// The description that an epoll instance watches through a descriptor.
fn watched(caller: &Task, task: &Task, slot: u64) -> Result<u64, Errno> {
    let slot = UserPtr::<EpollSlot>::new(slot).read(&*caller.memory())?;
    let set = task.files().get(descriptor(slot.epoll.into())?)?;
    let set: &Epoll = set.file.as_any().downcast_ref().ok_or(Errno::EINVAL)?;
    let target = descriptor(slot.target.into())?;
    set.watched(target.0, usize::try_from(slot.index).unwrap_or(usize::MAX)).ok_or(Errno::ENOENT)
}

/// An order that tells nothing of where things lie.
fn compare((one, other): (u64, u64)) -> u64 {
    static SECRET: OnceLock<[u64; 2]> = OnceLock::new();
    let [turn, factor] = *SECRET.get_or_init(|| {
        let mut bytes = [0; 16];
        // Without random numbers it is still an order.
        let _ = host::random::fill(&mut bytes);
        zerocopy::transmute!(bytes)
    });
    let hide = |value: u64| (value ^ turn).wrapping_mul(factor | 1);
    match hide(one).cmp(&hide(other)) {
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Less => 1,
        std::cmp::Ordering::Greater => 2,
    }
}

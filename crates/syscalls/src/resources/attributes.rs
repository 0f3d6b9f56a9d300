//! sched_setattr(2), sched_getattr(2): all that a policy consists of, in a structure that grows.

use std::sync::Arc;

use abi::Errno;
use kernel::memory::write_all;
use kernel::task::scheduling::{Deadline, SCHED_DEADLINE, is_real_time};
use kernel::{Task, UserAddr, UserPtr};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::policy::{Wanted, known, set, target};
use crate::argument::read_extensible;

const SCHED_FLAG_RESET_ON_FORK: u64 = 1;
const SCHED_FLAG_RECLAIM: u64 = 2;
const SCHED_FLAG_DL_OVERRUN: u64 = 4;
const SCHED_FLAG_KEEP_POLICY: u64 = 8;
const SCHED_FLAG_KEEP_PARAMS: u64 = 0x10;
/// `SCHED_FLAG_UTIL_CLAMP_MIN | SCHED_FLAG_UTIL_CLAMP_MAX`.
const SCHED_FLAG_UTIL_CLAMP: u64 = 0x60;
const KNOWN: u64 = 0x7f;

/// `struct sched_attr`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
    least_use: u32,
    most_use: u32,
}

const SIZE: u32 = 56;
/// Of the first published version, without the last two fields.
const FIRST_SIZE: u32 = 48;
/// The longest that is looked at: a page.
const MOST_SIZE: u32 = 4096;

fn read(task: &Task, at: UserAddr) -> Result<Attributes, Errno> {
    let said = UserPtr::<u32>::new(at.0);
    let size = match said.read(&*task.memory())? {
        0 => FIRST_SIZE,
        size => size,
    };
    let read = if (FIRST_SIZE..=MOST_SIZE).contains(&size) {
        read_extensible(task, at, usize::try_from(size).map_err(|_| Errno::EINVAL)?)
    } else {
        Err(Errno::E2BIG)
    };
    if read.as_ref().is_err_and(|errno| *errno == Errno::E2BIG) {
        said.write(&*task.memory(), &SIZE)?;
    }
    let read: Attributes = read?;
    if read.flags & SCHED_FLAG_UTIL_CLAMP != 0 && size < SIZE { Err(Errno::EINVAL) } else { Ok(read) }
}

/// Sets policy, niceness, priority and deadline.
///
/// # Errors
/// `EINVAL`, `E2BIG`, `EOPNOTSUPP` for bounds of utilisation, `EPERM`, `ESRCH`, `EFAULT`.
pub fn sched_setattr(task: &Arc<Task>, pid: i32, attributes: UserAddr, flags: u32) -> Result<(), Errno> {
    if flags != 0 || attributes.is_null() || pid < 0 {
        return Err(Errno::EINVAL);
    }
    let given = read(task, attributes)?;
    let policy = i32::try_from(given.policy).map_err(|_| Errno::EINVAL)?;
    let target = target(task, pid)?;
    let has = |flag| given.flags & flag != 0;
    let mut wanted = Wanted {
        policy: (!has(SCHED_FLAG_KEEP_POLICY)).then_some(policy),
        priority: given.priority,
        nice: Some(given.nice.clamp(-20, 19)),
        reset_on_fork: has(SCHED_FLAG_RESET_ON_FORK),
        deadline: Deadline {
            runtime: given.runtime,
            deadline: given.deadline,
            period: if given.period == 0 { given.deadline } else { given.period },
            flags: given.flags & (SCHED_FLAG_RECLAIM | SCHED_FLAG_DL_OVERRUN),
        },
    };
    if has(SCHED_FLAG_KEEP_PARAMS) {
        let of = target.attributes().scheduling;
        wanted.priority = of.priority.unsigned_abs();
        (wanted.nice, wanted.deadline) = (None, of.deadline);
    }
    if given.flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    if has(SCHED_FLAG_UTIL_CLAMP) {
        return Err(Errno::EOPNOTSUPP);
    }
    set(task, &target, wanted)
}

/// Tells policy, niceness, priority and deadline.
///
/// # Errors
/// `EINVAL`, `ESRCH`, `EFAULT`.
pub fn sched_getattr(
    task: &Arc<Task>,
    pid: i32,
    attributes: UserAddr,
    size: u32,
    flags: u32,
) -> Result<(), Errno> {
    if flags != 0 || attributes.is_null() || !(FIRST_SIZE..=MOST_SIZE).contains(&size) {
        return Err(Errno::EINVAL);
    }
    let (of, nice) = known(task, pid)?;
    let mut told = Attributes {
        size: size.min(SIZE),
        policy: of.policy.cast_unsigned(),
        flags: if of.reset_on_fork { SCHED_FLAG_RESET_ON_FORK } else { 0 },
        ..Attributes::default()
    };
    if of.policy == SCHED_DEADLINE {
        let Deadline { runtime, deadline, period, flags } = of.deadline;
        (told.runtime, told.deadline, told.period) = (runtime, deadline, period);
        told.flags |= flags;
    } else if is_real_time(of.policy) {
        told.priority = of.priority.unsigned_abs();
    } else {
        (told.nice, told.runtime) = (nice, slice());
    }
    let mut bytes = told.as_bytes().to_vec();
    bytes.resize(usize::try_from(size).map_err(|_| Errno::EINVAL)?, 0);
    write_all(&*task.memory(), attributes, &bytes)
}

/// The slice of a fair task, nanoseconds: it grows with the number of processors, as Linux scales it.
fn slice() -> u64 {
    const ONE_PROCESSOR: u64 = 700_000;
    let factor = host::machine::processors().clamp(1, 8).ilog2();
    ONE_PROCESSOR.saturating_mul(u64::from(factor).saturating_add(1))
}

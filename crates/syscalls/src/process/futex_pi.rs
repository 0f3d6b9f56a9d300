//! futex(2) with priority inheritance: `FUTEX_LOCK_PI`, `LOCK_PI2`, `TRYLOCK_PI`, `UNLOCK_PI`. See [`kernel::futex`].

use std::sync::Arc;
use std::time::Instant;

use abi::Errno;
use abi::time::Timespec;
use host::clock::HostClock;
use kernel::futex::{Attempt, FUTEX_TID_MASK, Key, Waiter};
use kernel::{Task, UserPtr};
use platform::Order;

pub(super) const LOCK_PI: u32 = 6;
pub(super) const UNLOCK_PI: u32 = 7;
pub(super) const TRYLOCK_PI: u32 = 8;
pub(super) const LOCK_PI2: u32 = 13;

const FUTEX_WAKE_OP: u64 = 5;
const FUTEX_PRIVATE_FLAG: u64 = 128;
/// `FUTEX_OP_OR` of the bit `FUTEX_WAITERS`, given by its place.
const SET_WAITERS: u64 = (9 << 28) | (31 << 12);

/// What is asked for.
pub(super) struct Request {
    pub(super) address: u64,
    pub(super) command: u32,
    pub(super) private: bool,
    pub(super) real_time: bool,
    pub(super) timeout: UserPtr<Timespec>,
}

/// Carries it out.
///
/// # Errors
/// Those of futex(2) for these operations.
pub(super) async fn carry_out(task: &Arc<Task>, request: Request) -> Result<(), Errno> {
    let address = request.address;
    if request.real_time && request.command != LOCK_PI2 {
        return Err(Errno::ENOSYS);
    }
    let real_time = request.real_time || request.command == LOCK_PI;
    let deadline = match request.timeout.some() {
        Some(at) if matches!(request.command, LOCK_PI | LOCK_PI2) => {
            let until = at.read(&*task.memory())?.duration()?;
            let clock = if real_time { HostClock::Realtime } else { HostClock::Monotonic };
            Instant::now().checked_add(until.saturating_sub(clock.now()))
        }
        _ => None,
    };
    if !address.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    let word = UserPtr::<u32>::new(address).read(&*task.memory())?;
    let owns = word & FUTEX_TID_MASK == task.own_tid().unsigned_abs();
    match request.command {
        UNLOCK_PI if !owns => return Err(Errno::EPERM),
        UNLOCK_PI => {
            let key = Key::of(task, address, request.private)?;
            return task.kernel.pi_futexes.give(task, key, address);
        }
        _ if owns => return Err(Errno::EDEADLK),
        _ => {}
    }
    let key = Key::of(task, address, request.private)?;
    let waiter = Waiter::new(task, address);
    loop {
        mark(task, address, request.private).await?;
        match task.kernel.pi_futexes.take(task, key, &waiter, request.command != TRYLOCK_PI)? {
            Attempt::Taken => return Ok(()),
            Attempt::Queued => break,
            Attempt::Again => {}
        }
    }
    match task.kernel.pi_futexes.wait(task, key, &waiter, deadline).await {
        Err(Errno::ERESTARTSYS) => Err(Errno::ERESTARTNOINTR),
        done => done,
    }
}

/// Has the host set `FUTEX_WAITERS` in the word, atomically. Nobody waits there in the host, so nobody is woken.
async fn mark(task: &Arc<Task>, address: u64, private: bool) -> Result<(), Errno> {
    let operation = FUTEX_WAKE_OP | if private { FUTEX_PRIVATE_FLAG } else { 0 };
    let args = [address, operation, 0, 0, address, SET_WAITERS];
    match task.perform(vec![Order::Futex { args }]).await?.pop() {
        Some(Err(errno)) => Err(errno),
        _ => Ok(()),
    }
}

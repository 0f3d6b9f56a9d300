//! futex(2), where the filter of a guest brings it here. Without one the host carries it out, and nobody hears of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::Errno;
use abi::time::Timespec;
use kernel::{Outcome, Task, UserPtr, wait};
use platform::Order;

const WAIT: u32 = 0;
const WAIT_BITSET: u32 = 9;
/// `FUTEX_WAKE`, `REQUEUE`, `CMP_REQUEUE`, `WAKE_OP`, `WAKE_BITSET`.
const WITHOUT_WAIT: [u32; 5] = [1, 3, 4, 5, 10];
const PRIVATE: u32 = 128;
const CLOCK_REALTIME: u32 = 256;

/// How long a wait lasts at most. It may always end for nothing (futex(2)), and whoever waits looks at its word again; that is how it
/// finds out what the host's futexes, which the host's own waiters use, have no way to tell here.
const MOST_WAIT: Duration = Duration::from_millis(1);

/// Carries out one of its operations.
///
/// # Errors
/// Those of futex(2); `ENOSYS` for the operations with priority inheritance.
pub async fn futex(
    task: &Arc<Task>,
    address: u64,
    operation: u32,
    value: u32,
    timeout: u64,
    second: u64,
    third: u32,
) -> Result<Outcome, Errno> {
    let command = operation & !(PRIVATE | CLOCK_REALTIME);
    if WITHOUT_WAIT.contains(&command) {
        let args = [address, operation.into(), value.into(), timeout, second, third.into()];
        return Ok(Outcome::Orders(vec![Order::Futex { args }]));
    }
    if !matches!(command, WAIT | WAIT_BITSET) {
        return Err(Errno::ENOSYS);
    }
    if !address.is_multiple_of(4) || (command == WAIT_BITSET && third == 0) {
        return Err(Errno::EINVAL);
    }
    let memory = task.memory();
    let left = match UserPtr::<Timespec>::new(timeout).some() {
        Some(at) => Some(left(at.read(&*memory)?.duration()?, command, operation)),
        None => None,
    };
    if UserPtr::<u32>::new(address).read(&*memory)? != value {
        return Err(Errno::EAGAIN);
    }
    let wait_for = left.unwrap_or(MOST_WAIT).min(MOST_WAIT);
    wait::sleep_until(task, Instant::now() + wait_for).await?;
    if left.is_some_and(|left| left <= wait_for) {
        return Err(Errno::ETIMEDOUT);
    }
    Ok(Outcome::from(0_u64))
}

/// The time until a timeout: `WAIT` gives a span, `WAIT_BITSET` a time of a clock.
fn left(timeout: Duration, command: u32, operation: u32) -> Duration {
    use host::clock::HostClock;
    if command == WAIT {
        return timeout;
    }
    let clock = if operation & CLOCK_REALTIME == 0 { HostClock::Monotonic } else { HostClock::Realtime };
    timeout.saturating_sub(clock.now())
}

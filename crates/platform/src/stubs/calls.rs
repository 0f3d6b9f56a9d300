//! The host calls of the platform that have no safe wrapper elsewhere. Each returns what the host said.

mod memory;
mod notify;
mod process;
mod shared;

pub(super) use memory::{Direction, transfer};
pub(super) use notify::{
    Notification, answer, hung_up, is_valid, lend, let_through, receive, set_synchronous, wait_readable,
};
pub(super) use process::{
    Death, cpu_clock, descriptor_of, execute, hold_of, is_alive, keep_dead_children, keep_off, keep_on,
    kept_off, kernel_before, kill_group, kill_process_group, may_run_anywhere, peek_dead, probe_filter_flags,
    probe_notifications, processor, reap, signal_thread,
};

pub(super) use shared::SharedMapping;

use abi::Errno;

/// The error of the last host call.
fn last_error() -> Errno {
    Errno::from_raw(std::io::Error::last_os_error().raw_os_error().unwrap_or(5))
}

/// Turns -1 into the error.
fn check<T: TryInto<i64>>(result: T) -> Result<u64, Errno> {
    let value: i64 = result.try_into().unwrap_or(-1);
    u64::try_from(value).map_err(|_| last_error())
}

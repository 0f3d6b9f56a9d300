//! Asynchronous I/O.

use abi::aio::IoEvent;
use abi::time::Timespec;
use kernel::{UserAddr, UserPtr};

use crate::Support::Full;
use crate::aio::{events, setup, submit};
use crate::{Row, rows};

pub(super) static ROWS: &[Row] = rows! {
    later io_setup(setup::io_setup, count: u32, id: UserPtr<u64>) Full;
    later io_destroy(setup::io_destroy, id: u64) Full;
    later io_submit(submit::io_submit, id: u64, count: i64, list: UserPtr<u64>) Full;
    now io_cancel(submit::io_cancel, id: u64, block: u64, result: UserAddr) Full;
    later io_getevents(events::io_getevents, id: u64, least: i64, most: i64, events: UserPtr<IoEvent>, timeout: UserPtr<Timespec>) Full;
    later io_pgetevents(events::io_pgetevents, id: u64, least: i64, most: i64, events: UserPtr<IoEvent>, timeout: UserPtr<Timespec>, mask: UserPtr<[u64; 2]>) Full;
};

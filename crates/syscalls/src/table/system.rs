//! The system as a whole.

use crate::Support::Full;
use crate::system::getrandom;
use crate::{Row, rows};

use kernel::UserAddr;

pub(super) static ROWS: &[Row] = rows! {
    now getrandom(getrandom::getrandom, buffer: UserAddr, count: usize, flags: u32) Full;
};

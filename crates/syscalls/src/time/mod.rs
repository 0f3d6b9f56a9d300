//! Clocks, sleeping and timers: time(7).

pub mod clock;
pub mod interval;
pub mod posix;
pub mod sleep;
pub mod timer_fd;
pub mod wall;

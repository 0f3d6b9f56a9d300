//! Time: clocks, and the timers of processes.

pub mod clock;
mod cpu;
pub mod interval;
pub mod limit;
pub mod posix;
pub mod process;
mod schedule;
pub mod timer_fd;
mod timers;

pub use clock::Clock;
pub use cpu::Watch;
pub use interval::IntervalKind;
pub use process::ProcessTimers;
pub use timer_fd::TimerFd;
pub use timers::{Timer, Timers};

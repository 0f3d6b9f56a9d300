//! Time: clocks and timers.

pub mod process;
mod timers;

pub use process::ProcessTimers;
pub use timers::{Timer, Timers};

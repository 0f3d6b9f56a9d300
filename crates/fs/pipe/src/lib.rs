//! Pipes and FIFOs: pipe(7) and fifo(7).
//!
//! A [`Pipe`] is a ring of bytes with a queue of those who wait; a [`PipeEnd`] is a file on it. [`Fifos`] finds the pipe that
//! belongs to a FIFO's inode.
#![forbid(unsafe_code)]

mod end;
mod fifo;
mod pipe;
mod ring;

#[cfg(test)]
mod oracle;

pub use end::{PipeEnd, pair};
pub use fifo::Fifos;
pub use pipe::{DEFAULT_CAPACITY, MAX_CAPACITY, PIPE_BUF, Pipe};

//! Pseudoterminals: pty(7), pts(4), devpts.
//!
//! A [`Devpts`] is one instance of the filesystem. Opening its `ptmx` makes a pair: the opener holds the master, and a node with the pair's
//! number appears, which opens the terminal. Between the two sits the line discipline, a state machine of its own.
//! What concerns sessions (signals, hang-ups) is told to [`vfs::terminal::Sessions`]; who may do what in the background is the system calls' business.
//!
//! Memory is bounded: [`Ptys`] counts all pairs of the sandbox, and one pair holds at most 48 KiB, whatever is written to it.
#![forbid(unsafe_code)]

mod control;
mod discipline;
mod filesystem;
mod master;
mod node;
mod options;
mod pair;
mod ptys;
mod root;
mod slave;

#[cfg(test)]
mod tests;

pub use filesystem::Devpts;
pub use master::MasterFile;
pub use options::Options;
pub use ptys::Ptys;

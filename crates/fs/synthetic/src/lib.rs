//! Filesystems whose files are generated from kernel state when they are read: the base of proc and sys.
//!
//! A filesystem is a tree of [`Node`]s. Directories answer look-ups and listings from live state, so nothing is cached and nothing can be
//! stale: a node is made when it is looked up and forgotten with its last user.
#![forbid(unsafe_code)]

mod directory;
mod file;
mod filesystem;
mod inode;
mod snapshot;
mod table;
pub mod tree;

pub use filesystem::Synthetic;
pub use inode::{Content, Directory, Link, Meta, Node};
pub use snapshot::Snapshot;
pub use table::{Entry, Make, Table};

//! The in-memory filesystem: tmpfs(5), and the files of memfd_create(2).
//!
//! Content lies in the sentry's own memory, where a read or write is a copy, until somebody maps the file; then it moves to
//! a host memfd of its own, which the guest's mappings share. Or it lies in a file of the host ([`Store`]), which takes up no memory. Sizes, inodes and extended attributes are bounded by the
//! mount's options, so that a guest can fill a tmpfs but not the sentry.
#![forbid(unsafe_code)]

mod content;
mod directory;
mod directory_file;
mod file;
mod filesystem;
mod inode;
mod memfd;
mod names;
mod node;
mod options;
mod page_map;
mod pages;
mod quota;
mod seals;
mod store;
mod stored;
mod to_host;
mod xattrs;

pub use filesystem::Tmpfs;
pub use memfd::{add_seals, memfd, seals};
pub use options::Options;
pub use seals::Seals;
pub use store::Store;

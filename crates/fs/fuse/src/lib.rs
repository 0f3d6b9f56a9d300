//! FUSE: filesystems whose servers are processes of the sandbox, unmodified programs that speak the protocol of fuse(4).
//!
//! A server opens /dev/fuse ([`Opener`]), mounts with the descriptor ([`Fuse`]), reads requests and writes replies. Whoever uses the mount
//! waits for these on the thread that carries the call ([`vfs::waiting`]), so nothing here holds a lock while it asks.
//!
//! The server is a guest's program and may lie. What it says is checked where it comes in: lengths by the request's shape before anything
//! is stored, types and sizes where attributes are taken over, names where entries are listed. A server that answers late, twice, or not at
//! all harms those who use its mount and nobody else.
//!
//! | module | holds |
//! |---|---|
//! | `wire` | structures and numbers of the protocol |
//! | `connection` | requests on their way, from question to answer |
//! | `device` | /dev/fuse |
//! | `ops` | one file per request |
//! | `node` | inodes: what is known of a file, and for how long |
//! | `file` | open files and directories, and the cache of content |
//! | `mount` | the filesystem type and its options |
//! | `control` | fusectl, at /sys/fs/fuse/connections |
#![forbid(unsafe_code)]

mod connection;
mod control;
mod device;
mod file;
mod filesystem;
mod mount;
mod node;
mod ops;
#[cfg(test)]
mod tests;
pub mod wire;

pub use control::{Control, filesystem as control_filesystem};
pub use device::{NUMBER, Opener};
pub use mount::Fuse;

//! Files: descriptors, data, names, attributes.

pub mod access;
pub mod advise;
pub mod at;
pub mod attributes;
pub mod close;
pub mod descriptor;
pub mod directory;
pub mod duplicate;
pub mod fcntl;
pub mod filesystem;
pub mod handle;
mod inode_flags;
pub mod io;
pub mod ioctl;
pub mod job_control;
pub mod kinds;
mod lease;
pub mod lock;
pub mod memfd;
pub mod mount;
pub mod mount_api;
pub mod names;
mod namespace_ioctl;
pub mod open;
pub mod owner;
pub mod pipe;
pub mod quota;
pub mod seek;
pub mod size;
pub mod stat;
pub mod statx;
pub mod sync;
pub mod times;
pub mod working_directory;
pub mod xattr;

#[cfg(test)]
mod tests;

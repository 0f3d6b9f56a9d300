//! The file system calls, on tmpfs.
#![cfg(test)]

mod bounds;
mod locks;
mod mounts;
mod tree;
mod walk;

//! Files of the host without a gofer in between (`--directfs`).
//!
//! The gofer still finds the trees, restricts their mounts and hands over their roots. What it would do for each message then happens here.
//! So the sentry keeps the capabilities for files, in a user namespace that has all ids, and a longer list of system calls. What bounds a sentry that
//! is taken over is then what it holds: an empty root directory, and mounts that are attached nowhere.

use std::os::fd::BorrowedFd;

use gofer::{Ids, Links, Local, Reach, Tree};
use gofer_fs::Handover;
use ninep::client::Server;
use rustix::fs::{Mode, OFlags, openat};

use crate::failure::{Failure, Trying};

/// What the calling process needs to serve files: its own descriptors in its working directory, found in this directory /proc, and no
/// file creation mask.
pub(crate) fn prepare(proc: BorrowedFd<'_>) -> Result<(), Failure> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let links = openat(proc, "self/fd", flags, Mode::empty()).trying("find the sentry's descriptors")?;
    rustix::process::fchdir(links).trying("enter the directory of the sentry's descriptors")?;
    rustix::process::umask(Mode::empty());
    Ok(())
}

/// The server for a tree that was handed over.
pub(crate) fn server(seen: &Ids, reach: Reach, tree: Handover) -> Box<dyn Server> {
    let Handover { root, read_only, users, groups } = tree;
    let ids = Ids { users, groups }.through(seen);
    Box::new(Local::new(Tree { root, read_only, ids }, Links::here(), reach))
}

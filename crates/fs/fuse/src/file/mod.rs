//! Open files and directories, and the cache of content.

mod ahead;
mod back;
mod backing;
mod content;
mod control;
mod directory;
mod entries;
mod flusher;
mod handle;
mod locking;
mod mapping;
mod polls;
mod regular;
mod sending;
mod told;
mod transfer;
mod turns;

pub(crate) use backing::{Backing, Backings, Uses};
pub(crate) use content::Content;
pub(crate) use directory::Directory;
pub(crate) use handle::{Handle, lock_owner};
pub(crate) use polls::Polls;
pub(crate) use regular::RegularFile;
pub(crate) use turns::{Turn, Turns};

/// Bytes a page.
const PAGE: u64 = 4096;
const PAGE_BYTES: usize = 4096;

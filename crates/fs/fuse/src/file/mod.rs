//! Open files and directories, and the cache of content.

mod content;
mod control;
mod directory;
mod entries;
mod handle;
mod locking;
mod mapping;
mod polls;
mod regular;
mod transfer;
mod written;

pub(crate) use content::Content;
pub(crate) use directory::Directory;
pub(crate) use handle::Handle;
pub(crate) use polls::Polls;
pub(crate) use regular::RegularFile;

/// Bytes a page.
const PAGE: u64 = 4096;
const PAGE_BYTES: usize = 4096;

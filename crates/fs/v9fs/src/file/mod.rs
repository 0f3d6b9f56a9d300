//! Open files and directories.

mod content;
mod directory;
mod locking;
mod mapping;
mod regular;

pub(crate) use content::Content;
pub(crate) use directory::Directory;
pub(crate) use locking::Held;
pub(crate) use regular::RegularFile;

/// Bytes of a page.
const PAGE: u64 = 4096;

//! Where a task stands in the filesystem: what `CLONE_FS` shares.

use vfs::path::Path;

/// Root, working directory and umask.
#[derive(Clone)]
pub struct FsContext {
    /// What `/` means.
    pub root: Path,
    /// Where relative paths start.
    pub cwd: Path,
    /// Bits that new files do not get.
    pub umask: u32,
}

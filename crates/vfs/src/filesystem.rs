//! A mounted filesystem: the superblock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use abi::Errno;

use crate::file_handle::FileHandle;
use crate::{Device, InodeRef};

/// What statfs(2) reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileSystemStatistics {
    /// `f_type`: the filesystem's magic number.
    pub magic: u64,
    /// Bytes a block.
    pub block_size: u64,
    /// Blocks in all.
    pub blocks: u64,
    /// Free blocks.
    pub blocks_free: u64,
    /// Free blocks for those without privilege.
    pub blocks_available: u64,
    /// Inodes in all.
    pub files: u64,
    /// Free inodes.
    pub files_free: u64,
    /// Longest name.
    pub name_length: u64,
}

/// How many unused names a filesystem keeps whose inodes cost only memory.
pub const NAMES_KEPT: usize = 16_384;

/// A filesystem instance.
pub trait FileSystem: Send + Sync {
    /// The name in /proc/filesystems and in the third column of /proc/mounts.
    fn kind(&self) -> &'static str;

    /// The same with the subtype, if it has one: `fuse.sshfs`.
    fn full_kind(&self) -> String {
        String::from(self.kind())
    }

    /// What `st_dev` shows. Unique among the sandbox's filesystems.
    fn device(&self) -> Device;

    /// The root directory.
    fn root(&self) -> InodeRef;

    /// For statfs(2).
    ///
    /// # Errors
    /// `EIO` when a server does not answer.
    fn statistics(&self) -> Result<FileSystemStatistics, Errno>;

    /// Writes back everything, as syncfs(2).
    ///
    /// # Errors
    /// `EIO`, `ENOSPC` from the storage behind.
    fn sync(&self) -> Result<(), Errno> {
        Ok(())
    }

    /// How many names may stay known though nobody uses them. Each keeps an inode, and what that costs.
    fn names_kept(&self) -> usize {
        NAMES_KEPT
    }

    /// The filesystem's own options as /proc/mounts shows them after `rw,`: `,size=1024k` or nothing.
    fn options(&self) -> String {
        String::new()
    }

    /// How mountinfo shows the directory at the root of a mount, which has this path within the filesystem.
    fn shown_root(&self, within: Vec<u8>) -> Vec<u8> {
        within
    }

    /// Changes the filesystem's own options (`MS_REMOUNT`), given as mount(2) takes them.
    ///
    /// # Errors
    /// `EINVAL` for options that it does not know or cannot change.
    fn remount(&self, options: &[u8]) -> Result<(), Errno> {
        if options.is_empty() { Ok(()) } else { Err(Errno::EINVAL) }
    }

    /// Whether its files have handles (name_to_handle_at(2)).
    fn gives_handles(&self) -> bool {
        false
    }

    /// A file's handle, if the filesystem makes its handles itself.
    fn own_handle(&self, _: &InodeRef) -> Option<FileHandle> {
        None
    }

    /// The file of a handle, if the filesystem makes its handles itself.
    ///
    /// # Errors
    /// `ESTALE` if there is no such file.
    fn by_own_handle(&self, _: &FileHandle) -> Option<Result<InodeRef, Errno>> {
        None
    }

    /// Whether its mounts may be idmapped (`FS_ALLOW_IDMAP`): the VFS alone checks permissions by owners and lists, and what is stored for a new
    /// file is the owner that the VFS gives.
    fn allows_ids(&self) -> bool {
        false
    }

    /// How many filesystems at most lie below this one.
    fn stack_depth(&self) -> u32 {
        0
    }

    /// Whether names found in this filesystem may be cached as dentries (true), or must be looked up each time because they come and
    /// go without the VFS (proc).
    fn caches_names(&self) -> bool {
        true
    }
}

impl Device {
    /// A device number for a filesystem without a device: major 0 and a minor that no other has.
    #[must_use]
    pub fn anonymous() -> Self {
        // Lower ones belong to files that are in no mounted filesystem.
        static NEXT: AtomicU32 = AtomicU32::new(16);
        Self::new(0, NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A shared filesystem.
pub type FileSystemRef = Arc<dyn FileSystem>;

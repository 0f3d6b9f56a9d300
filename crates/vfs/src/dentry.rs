//! Names of inodes.

use crate::InodeRef;

/// A name in a directory, with the inode that it names. Positive always: a missing name is no dentry that anyone holds.
pub struct Dentry {
    inode: InodeRef,
}

impl Dentry {
    /// The inode it names.
    #[must_use]
    pub fn inode(&self) -> InodeRef {
        self.inode.clone()
    }
}

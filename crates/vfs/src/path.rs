//! A place in the tree of mounts.

use std::sync::Arc;

use crate::InodeRef;
use crate::dentry::Dentry;
use crate::mount::Mount;

/// A dentry as seen through a mount.
#[derive(Clone)]
pub struct Path {
    /// Through which mount.
    pub mount: Arc<Mount>,
    /// Which name.
    pub dentry: Arc<Dentry>,
}

impl Path {
    /// The inode there.
    #[must_use]
    pub fn inode(&self) -> InodeRef {
        self.dentry.inode()
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mount, &other.mount) && Arc::ptr_eq(&self.dentry, &other.dentry)
    }
}

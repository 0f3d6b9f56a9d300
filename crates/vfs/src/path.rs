//! A place in the tree of mounts.

use std::sync::Arc;

use abi::Errno;

use crate::dentry::Dentry;
use crate::mount::Mount;
use crate::{Access, Acl, AclKind, AttributeChange, Attributes, Credentials, InodeRef, StatusQuery};

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

    /// What stat(2) reports of it.
    ///
    /// # Errors
    /// As [`crate::Inode::attributes`].
    pub fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(self.mount.seen(self.dentry.inode_ref().attributes()?))
    }

    /// As [`crate::Inode::protection`].
    pub(crate) fn protection(&self) -> Result<Attributes, Errno> {
        Ok(self.mount.seen(self.dentry.inode_ref().protection()?))
    }

    /// As [`crate::Inode::status`].
    pub(crate) fn status(&self, query: &StatusQuery) -> Result<Attributes, Errno> {
        Ok(self.mount.seen(self.dentry.inode_ref().status(query)?))
    }

    /// Changes attributes; the caller has checked that it may.
    pub(crate) fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        let inode = self.dentry.inode_ref();
        match self.mount.ids() {
            None => inode.set_attributes(change),
            Some(ids) => inode.set_attributes(&ids.stored_change(change)?),
        }
    }

    /// An access control list as it is seen here.
    fn acl(&self, kind: AclKind) -> Option<Acl> {
        let list = self.dentry.inode_ref().acl(kind)?;
        Some(match self.mount.ids() {
            None => list,
            Some(ids) => ids.seen_list(list),
        })
    }

    /// Nothing if credentials give an access, by what [`Self::attributes`] or [`Self::protection`] said.
    ///
    /// # Errors
    /// `EACCES`.
    pub fn check(
        &self,
        credentials: &Credentials,
        attributes: &Attributes,
        access: Access,
    ) -> Result<(), Errno> {
        if self.mount.ids().is_none() {
            return credentials.check_inode(self.dentry.inode_ref(), attributes, access);
        }
        // What is written would be stored again, and with it an owner that nobody is.
        if access.contains(Access::WRITE) && !attributes.has_owner() {
            return Err(Errno::EACCES);
        }
        credentials.check_by_list(attributes, access, || self.acl(AclKind::Access))
    }

    /// The same place, but if something is mounted there, the root of that, and so on.
    #[must_use]
    pub fn topmost(mut self) -> Self {
        while let Some(mount) = self.mount.child_at(&self.dentry) {
            self = mount.root_path();
        }
        self
    }

    /// Whether it is the root of its mount.
    #[must_use]
    pub fn is_mount_root(&self) -> bool {
        Arc::ptr_eq(&self.dentry, self.mount.root())
    }

    /// Another dentry of the same mount.
    #[must_use]
    pub fn with(&self, dentry: Arc<Dentry>) -> Self {
        Self { mount: Arc::clone(&self.mount), dentry }
    }

    /// The directory above, across mounts, but not above `root`. Nothing at the very top.
    #[must_use]
    pub fn above(&self, root: &Self) -> Option<Self> {
        let mut at = self.clone();
        loop {
            if at == *root {
                return None;
            }
            if !at.is_mount_root() {
                let parent = at.dentry.parent()?;
                return Some(at.with(parent));
            }
            at = at.mount.mountpoint()?;
        }
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mount, &other.mount) && Arc::ptr_eq(&self.dentry, &other.dentry)
    }
}

impl std::fmt::Debug for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = crate::path_name::within_mount(self);
        write!(f, "Path({}:{})", self.mount.id, String::from_utf8_lossy(&name))
    }
}

//! link(2).

use std::sync::Arc;

use abi::Errno;

use super::make::begin_make;
use crate::caller::{At, Caller};
use crate::resolve::{AtFlags, Lookup};
use crate::{Capability, FileKind, Name};

impl Caller<'_> {
    /// linkat(2) with `AT_SYMLINK_FOLLOW` and `AT_EMPTY_PATH`.
    ///
    /// # Errors
    /// `EXDEV` across mounts, `EPERM` for directories, `EMLINK`, `ENOENT` if the file has no links left, and as for making a name.
    pub fn link(&self, from: &At<'_>, to: &At<'_>, flags: AtFlags) -> Result<(), Errno> {
        let mut lookup = Lookup::empty();
        lookup.set(Lookup::FOLLOW, flags.contains(AtFlags::SYMLINK_FOLLOW));
        lookup.set(Lookup::EMPTY, flags.contains(AtFlags::EMPTY_PATH));
        if from.path.is_empty()
            && lookup.contains(Lookup::EMPTY)
            && !self.credentials.has(Capability::DacReadSearch)
        {
            return Err(Errno::ENOENT);
        }
        let from = self.find_path(from, lookup)?;
        let parent = self.find_parent(to)?;
        let (change, name) = begin_make(&parent, false)?;
        if !Arc::ptr_eq(&from.mount, &parent.directory.mount) {
            return Err(Errno::EXDEV);
        }
        change.may_create(self)?;
        let inode = from.inode();
        if inode.kind() == FileKind::Directory {
            return Err(Errno::EPERM);
        }
        if inode.attributes()?.links == 0 && !from.dentry.is_linkable() {
            return Err(Errno::ENOENT);
        }
        let name = Name::new(&name)?;
        let linked = parent.directory.dentry.inode_ref().link(name, &inode);
        change.made(name, linked.map(|()| inode))?;
        Ok(())
    }
}

//! link(2).

use std::sync::Arc;

use abi::Errno;

use super::make::begin_make;
use crate::caller::{At, Base, Caller};
use crate::resolve::{AtFlags, Lookup};
use crate::{Access, Attributes, Capability, FileKind};

impl Caller<'_> {
    /// linkat(2) with `AT_SYMLINK_FOLLOW` and `AT_EMPTY_PATH`.
    ///
    /// # Errors
    /// `EXDEV` across mounts, `EPERM` for directories, `EMLINK`, `ENOENT` if the file has no links left, and as for making a name.
    pub fn link(&self, from: &At<'_>, to: &At<'_>, flags: AtFlags) -> Result<(), Errno> {
        let mut lookup = Lookup::empty();
        lookup.set(Lookup::FOLLOW, flags.contains(AtFlags::SYMLINK_FOLLOW));
        lookup.set(Lookup::EMPTY, flags.contains(AtFlags::EMPTY_PATH));
        if from.path.is_empty() && lookup.contains(Lookup::EMPTY) {
            self.may_link_open(from.base)?;
        }
        let from = self.find_path(from, lookup)?;
        let parent = self.find_parent(to)?;
        let (change, name) = begin_make(&parent, false)?;
        if !Arc::ptr_eq(&from.mount, &parent.directory.mount) {
            return Err(Errno::EXDEV);
        }
        let inode = from.inode();
        let attributes = from.attributes()?;
        attributes.need_owner()?;
        self.may_link(&attributes)?;
        change.may_create(self)?;
        attributes.is_loose()?;
        if inode.kind() == FileKind::Directory {
            return Err(Errno::EPERM);
        }
        if inode.attributes()?.links == 0 && !from.dentry.is_linkable() {
            return Err(Errno::ENOENT);
        }
        let linked = parent.directory.dentry.inode_ref().link(name, &inode);
        if linked.is_ok() {
            from.dentry.was_linked();
            crate::notify::linked(&inode);
        }
        change.made(name, linked.map(|()| inode))?;
        Ok(())
    }

    /// A file that is only known by a descriptor is linked by whoever opened it, as long as its credentials are the same, and by who is privileged.
    fn may_link_open(&self, base: Base<'_>) -> Result<(), Errno> {
        let Base::Descriptor(fd) = base else { return Ok(()) };
        let file = self.files.get(fd)?;
        let opener = &file.credentials;
        let may = Arc::ptr_eq(opener, self.credentials)
            || self.credentials.has_in(Capability::DacReadSearch, &opener.user);
        if may { Ok(()) } else { Err(Errno::ENOENT) }
    }

    /// Others' files can be linked only if they are harmless and could be copied: what distributions set by
    /// `fs.protected_hardlinks` (proc_sys_fs(5)).
    fn may_link(&self, attributes: &Attributes) -> Result<(), Errno> {
        const SETUID: u32 = 0o4000;
        const SETGID_EXECUTABLE: u32 = 0o2010;
        if self.credentials.owns(attributes) {
            return Ok(());
        }
        let grants = attributes.mode & SETUID != 0
            || attributes.mode & SETGID_EXECUTABLE == SETGID_EXECUTABLE
            || attributes.kind != FileKind::Regular;
        let open = self.credentials.check(attributes, Access::READ | Access::WRITE).is_ok();
        if grants || !open { Err(Errno::EPERM) } else { Ok(()) }
    }
}

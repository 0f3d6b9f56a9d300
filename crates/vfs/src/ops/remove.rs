//! unlink(2) and rmdir(2).

use abi::Errno;

use super::directory_change::DirectoryChange;
use crate::FileKind;
use crate::caller::{At, Caller};
use crate::walk::Last;

impl Caller<'_> {
    /// unlinkat(2) without `AT_REMOVEDIR`.
    ///
    /// # Errors
    /// `ENOENT`, `EISDIR`, `EACCES`, `EPERM` in a sticky directory, `EBUSY` for a mountpoint, `EROFS`.
    pub fn remove(&self, at: &At<'_>) -> Result<(), Errno> {
        let parent = self.find_parent(at)?;
        let Last::Name(name) = &parent.last else { return Err(Errno::EISDIR) };
        let name = name.name()?;
        parent.directory.mount.writable()?;
        let change = DirectoryChange::begin(&parent.directory);
        let victim = change.find(name)?.ok_or(Errno::ENOENT)?;
        if parent.slash {
            let directory = victim.inode_ref().kind() == FileKind::Directory;
            return Err(if directory { Errno::EISDIR } else { Errno::ENOTDIR });
        }
        change.may_delete(self, &victim, false)?;
        let result = parent.directory.dentry.inode_ref().unlink(name);
        change.removed(&victim, result)
    }

    /// rmdir(2), unlinkat(2) with `AT_REMOVEDIR`.
    ///
    /// # Errors
    /// `ENOTEMPTY`, `ENOTDIR`, `EINVAL` for `.`, `EBUSY` for a mountpoint or the root, and as [`Self::remove`].
    pub fn remove_directory(&self, at: &At<'_>) -> Result<(), Errno> {
        let parent = self.find_parent(at)?;
        let name = match &parent.last {
            Last::Name(name) => name.name()?,
            Last::Dot => return Err(Errno::EINVAL),
            Last::DotDot => return Err(Errno::ENOTEMPTY),
            Last::Here => return Err(Errno::EBUSY),
        };
        parent.directory.mount.writable()?;
        let change = DirectoryChange::begin(&parent.directory);
        let victim = change.find(name)?.ok_or(Errno::ENOENT)?;
        // Nothing is made in the victim, or mounted upon it, while it goes.
        let guard = victim.changes.lock();
        change.may_delete(self, &victim, true)?;
        let result = parent.directory.dentry.inode_ref().remove_directory(name);
        let result = change.removed(&victim, result);
        drop(guard);
        result
    }
}

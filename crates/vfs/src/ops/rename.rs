//! rename(2).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use abi::Errno;

use super::directory_change::DirectoryChange;
use crate::caller::{At, Caller};
use crate::dentry::Dentry;
use crate::path::Path;
use crate::walk::{Last, Parent, RENAMES};
use crate::{Access, FileKind, Name, RenameFlags};

/// The two names of a rename, with what they name now.
struct Pair<'a> {
    from: &'a Parent<'a>,
    to: &'a Parent<'a>,
    name: Name<'a>,
    new_name: Name<'a>,
    old: Arc<Dentry>,
    new: Option<Arc<Dentry>>,
    flags: RenameFlags,
}

impl Caller<'_> {
    /// renameat2(2).
    ///
    /// # Errors
    /// `EXDEV` across mounts, `EBUSY` for mountpoints and `.`, `EINVAL` for a directory into itself or bad flags, `EEXIST`,
    /// `ENOTEMPTY`, `EISDIR`, `ENOTDIR`, `ENOENT`, `EACCES`, `EPERM`, `EROFS`.
    pub fn rename(&self, from: &At<'_>, to: &At<'_>, flags: RenameFlags) -> Result<(), Errno> {
        let exclusive = RenameFlags::NOREPLACE | RenameFlags::WHITEOUT;
        if flags.contains(RenameFlags::EXCHANGE) && flags.intersects(exclusive) {
            return Err(Errno::EINVAL);
        }
        let from = self.find_parent(from)?;
        let to = self.find_parent(to)?;
        if !Arc::ptr_eq(&from.directory.mount, &to.directory.mount) {
            return Err(Errno::EXDEV);
        }
        let Last::Name(name) = &from.last else { return Err(Errno::EBUSY) };
        let Last::Name(new_name) = &to.last else {
            return Err(if flags.contains(RenameFlags::NOREPLACE) { Errno::EEXIST } else { Errno::EBUSY });
        };
        from.directory.mount.writable()?;
        let (name, new_name) = (name.name()?, new_name.name()?);
        let superblock = Arc::clone(from.directory.mount.superblock());
        let renames = superblock.renames.lock();
        let (source, target) = lock_both(&from.directory, &to.directory);
        let old = source.find(name)?.ok_or(Errno::ENOENT)?;
        let into = target.as_ref().unwrap_or(&source);
        let new = into.find(new_name)?;
        let pair = Pair { from: &from, to: &to, name, new_name, old, new, flags };
        pair.check_shape()?;
        if pair.new.as_ref().is_some_and(|new| Arc::ptr_eq(new.inode_ref(), pair.old.inode_ref())) {
            return Ok(());
        }
        self.may_rename(&pair, &source, into)?;
        let result = pair.carry_out();
        drop((target, source, renames));
        result
    }

    fn may_rename(
        &self,
        pair: &Pair<'_>,
        source: &DirectoryChange<'_>,
        target: &DirectoryChange<'_>,
    ) -> Result<(), Errno> {
        let moves = !Arc::ptr_eq(&pair.from.directory.dentry, &pair.to.directory.dentry);
        let old_is_directory = is_directory(&pair.old);
        source.may_delete(self, &pair.old, old_is_directory)?;
        match &pair.new {
            None => target.may_create(self)?,
            Some(new) if pair.flags.contains(RenameFlags::EXCHANGE) => {
                target.may_delete(self, new, is_directory(new))?;
                if moves && is_directory(new) {
                    self.may(&target.directory.with(Arc::clone(new)), Access::WRITE)?;
                }
            }
            Some(new) => target.may_delete(self, new, old_is_directory)?,
        }
        // A directory that moves gets another `..`.
        if moves && old_is_directory {
            self.may(&source.directory.with(Arc::clone(&pair.old)), Access::WRITE)?;
        }
        Ok(())
    }
}

impl Pair<'_> {
    /// What the names and types must be, whoever calls.
    fn check_shape(&self) -> Result<(), Errno> {
        let exchange = self.flags.contains(RenameFlags::EXCHANGE);
        if self.new.is_some() && self.flags.contains(RenameFlags::NOREPLACE) {
            return Err(Errno::EEXIST);
        }
        if exchange {
            let new = self.new.as_ref().ok_or(Errno::ENOENT)?;
            if !is_directory(new) && self.to.slash {
                return Err(Errno::ENOTDIR);
            }
        }
        if !is_directory(&self.old) && (self.from.slash || self.to.slash && !exchange) {
            return Err(Errno::ENOTDIR);
        }
        if self.to.directory.dentry.is_within(&self.old) {
            return Err(Errno::EINVAL);
        }
        let swallows = self.new.as_ref().is_some_and(|new| self.from.directory.dentry.is_within(new));
        if swallows {
            return Err(if exchange { Errno::EINVAL } else { Errno::ENOTEMPTY });
        }
        Ok(())
    }

    fn carry_out(&self) -> Result<(), Errno> {
        let superblock = self.from.directory.mount.superblock();
        // Nothing is made in a directory that is replaced while it goes.
        let victim = self.new.as_ref().filter(|_| !self.flags.contains(RenameFlags::EXCHANGE));
        let guard = victim.map(|victim| victim.changes.lock());
        let (from, to) = (&self.from.directory.dentry, &self.to.directory.dentry);
        from.inode_ref().rename(self.name, to.inode_ref(), self.new_name, self.flags)?;
        RENAMES.fetch_add(1, Ordering::AcqRel);
        superblock.changed();
        match &self.new {
            Some(new) if self.flags.contains(RenameFlags::EXCHANGE) => self.old.exchange_with(new),
            _ => self.old.move_to(to, self.new_name.as_bytes()),
        }
        drop(guard);
        crate::notify::moved(&self.old, from, self.name.as_bytes(), victim.map(|victim| &**victim));
        match (victim, &self.new) {
            (Some(victim), _) => superblock.release(victim),
            (None, Some(new)) => crate::notify::moved(new, to, self.new_name.as_bytes(), None),
            (None, None) => {}
        }
        Ok(())
    }
}

/// Locks the two directories of a rename, an ancestor first; the second only if it is another one.
fn lock_both<'a>(from: &'a Path, to: &'a Path) -> (DirectoryChange<'a>, Option<DirectoryChange<'a>>) {
    if Arc::ptr_eq(&from.dentry, &to.dentry) {
        return (DirectoryChange::begin(from), None);
    }
    if from.dentry.is_within(&to.dentry) {
        let target = DirectoryChange::begin(to);
        (DirectoryChange::begin(from), Some(target))
    } else {
        let source = DirectoryChange::begin(from);
        (source, Some(DirectoryChange::begin(to)))
    }
}

fn is_directory(dentry: &Dentry) -> bool {
    dentry.inode_ref().kind() == FileKind::Directory
}

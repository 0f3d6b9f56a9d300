//! Opening what may have to be made first: `O_CREAT` and `O_TMPFILE`.

use std::sync::Arc;

use abi::Errno;

use super::directory_change::{DirectoryChange, new_file};
use super::open_how::OpenHow;
use crate::caller::{At, Caller};
use crate::dentry::Dentry;
use crate::path::Path;
use crate::resolve::Lookup;
use crate::usage::InUse;
use crate::walk::{Last, Walk};
use crate::{Access, FileKind, Name, OpenFile, OpenFlags};

/// Tries to create and, when another was faster, to open.
const RACES_MAX: u32 = 16;

impl Caller<'_> {
    pub(super) fn open_or_create(&self, at: &At<'_>, how: &OpenHow) -> Result<Arc<OpenFile>, Errno> {
        let flags = how.flags;
        let mut races = 0;
        let mut walk = Walk::start(self, at, how.resolve)?;
        loop {
            let (last, slash) = walk.reach_last()?;
            let name = match last {
                Last::Name(name) => name,
                Last::Here => return self.open_arrived(walk, flags),
                Last::Dot | Last::DotDot if flags.contains(OpenFlags::EXCL) => return Err(Errno::EEXIST),
                Last::Dot | Last::DotDot => return Err(Errno::EISDIR),
            };
            if slash {
                return Err(Errno::EISDIR);
            }
            let existing = loop {
                let since = walk.at.mount.superblock().changes();
                if let Some(existing) = walk.child(name.bytes())? {
                    break existing;
                }
                match self.create(&walk.at, name.bytes(), how, since) {
                    Err(Errno::EEXIST) if !flags.contains(OpenFlags::EXCL) && races < RACES_MAX => races += 1,
                    result => return result,
                }
            };
            if flags.contains(OpenFlags::EXCL) {
                return Err(Errno::EEXIST);
            }
            let link = existing.dentry.inode_ref().kind() == FileKind::Symlink;
            if !link || flags.contains(OpenFlags::NOFOLLOW) {
                self.check_sticky_open(&walk.at, &existing)?;
                return self.open_path(existing, flags);
            }
            walk.follow(&existing)?;
        }
    }

    /// The path ended in a root or behind a magic link.
    fn open_arrived(&self, walk: Walk<'_>, flags: OpenFlags) -> Result<Arc<OpenFile>, Errno> {
        if flags.contains(OpenFlags::EXCL) {
            return Err(Errno::EEXIST);
        }
        self.open_found(walk.finish(true)?, flags)
    }

    /// Makes what was missing when the count of changes was `since`. If names are not kept there is no use in asking for it once more, as long
    /// as nothing has changed here: the filesystem says if it is there by now.
    fn create(
        &self,
        directory: &Path,
        name: &[u8],
        how: &OpenHow,
        since: u64,
    ) -> Result<Arc<OpenFile>, Errno> {
        let name = Name::new(name)?;
        let change = DirectoryChange::begin(directory);
        let superblock = directory.mount.superblock();
        let just_asked = !superblock.caches_names() && superblock.changes() == since;
        if !just_asked && change.find(name)?.is_some() {
            return Err(Errno::EEXIST);
        }
        directory.mount.writable()?;
        change.may_create(self)?;
        let attributes = directory.protection()?;
        let (owner, mode, inherited) = new_file(self, directory, &attributes, FileKind::Regular, how.mode)?;
        let flags = how.flags;
        let made = directory.dentry.inode_ref().create_and_open(name, mode, owner, flags, self.credentials);
        let (inode, file) = match made {
            Ok((inode, file)) => (inherited.give(&inode).map(|()| inode), Some(file)),
            Err(error) => (Err(error), None),
        };
        let dentry = change.made(name, inode)?;
        drop(change);
        let file = file.ok_or(Errno::EIO)?;
        let in_use = InUse::start(dentry.inode_ref(), flags)?;
        let credentials = Arc::clone(self.credentials);
        let open = OpenFile::opened(file, Some(directory.with(dentry)), flags, credentials, in_use);
        open.set_created();
        Ok(open)
    }

    pub(super) fn open_unnamed(&self, at: &At<'_>, how: &OpenHow) -> Result<Arc<OpenFile>, Errno> {
        let mut lookup = Lookup::empty();
        lookup.set(Lookup::FOLLOW, !how.flags.contains(OpenFlags::NOFOLLOW));
        let directory = self.resolve(at, lookup, how.resolve)?.path_or(Errno::ENOTDIR)?;
        if directory.dentry.inode_ref().kind() != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        directory.mount.writable()?;
        let attributes = directory.protection()?;
        let above = directory.dentry.inode_ref();
        directory.check(self.credentials, &attributes, Access::WRITE | Access::EXECUTE)?;
        let (owner, mode, inherited) = new_file(self, &directory, &attributes, FileKind::Regular, how.mode)?;
        let inode = above.create_unnamed(mode, owner)?;
        inherited.give(&inode)?;
        let label = format!("#{}", inode.attributes()?.inode);
        let linkable = !how.flags.contains(OpenFlags::EXCL);
        let dentry = Dentry::unnamed(&directory.dentry, Arc::clone(&inode), label.as_bytes(), linkable);
        let file = Arc::clone(&inode).open(how.flags, self.credentials)?;
        let in_use = InUse::start(&inode, how.flags)?;
        let credentials = Arc::clone(self.credentials);
        let open = OpenFile::opened(file, Some(directory.with(dentry)), how.flags, credentials, in_use);
        open.set_created();
        Ok(open)
    }

    /// In a sticky directory that all may write, `O_CREAT` does not open what a third party has put there, as Linux does without its
    /// `protected_regular` and `protected_fifos`: files and FIFOs are exempt.
    fn check_sticky_open(&self, directory: &Path, existing: &Path) -> Result<(), Errno> {
        const STICKY_AND_OPEN: u32 = 0o1002;
        let exempt = [FileKind::Regular, FileKind::Fifo, FileKind::Directory];
        if exempt.contains(&existing.dentry.inode_ref().kind()) {
            return Ok(());
        }
        let (above, file) = (directory.protection()?, existing.protection()?);
        let known = file.owner.uid == above.owner.uid || file.owner.uid == self.credentials.fsuid;
        if above.mode & STICKY_AND_OPEN == STICKY_AND_OPEN && !known { Err(Errno::EACCES) } else { Ok(()) }
    }
}

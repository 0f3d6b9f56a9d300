//! A change of a directory's names: what all of them check and keep in step.

use std::sync::Arc;

use abi::Errno;
use parking_lot::MutexGuard;

use crate::acl::Inherited;
use crate::caller::Caller;
use crate::dentry::Dentry;
use crate::path::Path;
use crate::{Access, Attributes, Capability, FileKind, InodeRef, Name, Owner};

/// A directory that is locked for a change of its names.
pub(super) struct DirectoryChange<'a> {
    pub(super) directory: &'a Path,
    _guard: MutexGuard<'a, ()>,
}

impl<'a> DirectoryChange<'a> {
    /// Locks a directory.
    pub(super) fn begin(directory: &'a Path) -> Self {
        Self { directory, _guard: directory.dentry.changes.lock() }
    }

    /// The dentry of a name; nothing if it is missing.
    pub(super) fn find(&self, name: Name<'_>) -> Result<Option<Arc<Dentry>>, Errno> {
        self.directory.mount.superblock().find_locked(&self.directory.dentry, name)
    }

    /// Whether a new name may be made here: `ENOENT` if the directory was removed, `EACCES`.
    pub(super) fn may_create(&self, caller: &Caller<'_>) -> Result<(), Errno> {
        let credentials = caller.credentials;
        self.directory.mount.stored(Owner { uid: credentials.fsuid, gid: credentials.fsgid })?;
        caller.may(self.directory, Access::WRITE | Access::EXECUTE)?;
        if self.directory.dentry.is_deleted() { Err(Errno::ENOENT) } else { Ok(()) }
    }

    /// Whether a name may be taken away: permission, sticky bit, type and mounts.
    pub(super) fn may_delete(
        &self,
        caller: &Caller<'_>,
        victim: &Dentry,
        as_directory: bool,
    ) -> Result<(), Errno> {
        let attributes = self.directory.protection()?;
        let found = self.directory.mount.seen(victim.inode_ref().protection()?);
        found.need_owner()?;
        self.directory.check(caller.credentials, &attributes, Access::WRITE | Access::EXECUTE)?;
        attributes.is_rewritable()?;
        check_sticky(caller, &attributes, &found)?;
        found.is_loose()?;
        let is_directory = victim.inode_ref().kind() == FileKind::Directory;
        if as_directory && !is_directory {
            return Err(Errno::ENOTDIR);
        }
        if !as_directory && is_directory {
            return Err(Errno::EISDIR);
        }
        if self.directory.dentry.is_deleted() {
            return Err(Errno::ENOENT);
        }
        if victim.is_mountpoint() { Err(Errno::EBUSY) } else { Ok(()) }
    }

    /// Takes over what the filesystem made of a new name.
    pub(super) fn made(&self, name: Name<'_>, inode: Result<InodeRef, Errno>) -> Result<Arc<Dentry>, Errno> {
        let superblock = self.directory.mount.superblock();
        superblock.changed();
        // What was made, or, if somebody else was faster, is there against what was known.
        self.directory.dentry.forget_missing(name.as_bytes());
        let made = superblock.insert_locked(&self.directory.dentry, name, &inode?);
        crate::notify::made(&self.directory.dentry, name.as_bytes(), &made);
        Ok(made)
    }

    /// Takes over that the filesystem removed a name.
    pub(super) fn removed(&self, dentry: &Arc<Dentry>, result: Result<(), Errno>) -> Result<(), Errno> {
        match result {
            Ok(()) => {
                self.directory.mount.superblock().removed(&self.directory.dentry, dentry);
                crate::notify::removed(&self.directory.dentry, dentry);
            }
            // The name went without the VFS: it shall not stay known.
            Err(Errno::ENOENT) => self.directory.dentry.forget(&dentry.name()),
            Err(_) => {}
        }
        result
    }
}

/// In a sticky directory only the owners of the file and of the directory may take a name away.
fn check_sticky(caller: &Caller<'_>, directory: &Attributes, victim: &Attributes) -> Result<(), Errno> {
    const STICKY: u32 = 0o1000;
    let credentials = caller.credentials;
    if directory.mode & STICKY == 0
        || directory.owner.uid == credentials.fsuid
        || credentials.has(Capability::Fowner)
    {
        return Ok(());
    }
    let owns = victim.owner.uid == credentials.fsuid || credentials.has_over(Capability::Fowner, victim);
    if owns { Ok(()) } else { Err(Errno::EPERM) }
}

/// Owner and mode of a new file for which `mode` was asked, as the filesystem stores them, and the access control lists that it inherits.
///
/// # Errors
/// `EOVERFLOW` if the mount has nobody for the caller.
pub(super) fn new_file(
    caller: &Caller<'_>,
    directory: &Path,
    attributes: &Attributes,
    kind: FileKind,
    mode: u32,
) -> Result<(Owner, u32, Inherited), Errno> {
    let (owner, mode) = ownership(caller, directory, attributes, kind, mode)?;
    let (mode, inherited) = Inherited::from_directory(directory.dentry.inode_ref(), kind, mode, caller.umask);
    Ok((owner, mode, inherited))
}

/// Owner and mode of a new file, before the umask: in a set-group-ID directory it inherits the group, and a directory the bit.
///
/// # Errors
/// As [`new_file`].
pub(super) fn ownership(
    caller: &Caller<'_>,
    place: &Path,
    directory: &Attributes,
    kind: FileKind,
    mode: u32,
) -> Result<(Owner, u32), Errno> {
    const SETGID: u32 = 0o2000;
    const GROUP_EXECUTE: u32 = 0o010;
    let credentials = caller.credentials;
    let mut owner = Owner { uid: credentials.fsuid, gid: credentials.fsgid };
    let mut mode = mode & 0o7777;
    if directory.mode & SETGID != 0 {
        owner.gid = directory.owner.gid;
        if kind == FileKind::Directory {
            mode |= SETGID;
        } else if mode & (SETGID | GROUP_EXECUTE) == SETGID | GROUP_EXECUTE
            && !credentials.in_group(owner.gid)
            && !credentials.has_over(Capability::Fsetid, directory)
        {
            mode &= !SETGID;
        }
    }
    Ok((place.mount.stored(owner)?, mode))
}

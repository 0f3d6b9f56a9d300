//! mkdir(2), mknod(2), symlink(2).

use std::os::fd::OwnedFd;
use std::sync::Arc;

use abi::Errno;

use super::directory_change::{DirectoryChange, new_file, ownership};
use crate::caller::{At, Caller};
use crate::dentry::Dentry;
use crate::name::PATH_MAX;
use crate::path::Path;
use crate::walk::{Last, Parent};
use crate::{Attributes, Capability, Device, FileKind, InodeRef, Name};

impl Caller<'_> {
    /// mkdirat(2).
    ///
    /// # Errors
    /// `EEXIST`, `ENOENT`, `EROFS`, `EACCES`, `EMLINK`, `ENOSPC`.
    pub fn make_directory(&self, at: &At<'_>, mode: u32) -> Result<Path, Errno> {
        const KEPT: u32 = 0o1777;
        self.make(at, FileKind::Directory, |directory, name, attributes| {
            let (owner, mode, inherited) =
                new_file(self, directory, attributes, FileKind::Directory, mode & KEPT)?;
            let inode = directory.dentry.inode_ref().create_directory(name, mode, owner)?;
            inherited.give(&inode).map(|()| inode)
        })
    }

    /// bind(2) of a socket of this type (`SOCK_*`) to a path: makes its name, and the socket of the host behind it where there is one.
    ///
    /// # Errors
    /// As [`Self::make_directory`].
    pub fn make_socket(&self, at: &At<'_>, mode: u32, kind: u32) -> Result<(Path, Option<OwnedFd>), Errno> {
        let mut host = None;
        let path = self.make(at, FileKind::Socket, |directory, name, attributes| {
            let (owner, mode, inherited) =
                new_file(self, directory, attributes, FileKind::Socket, mode & 0o7777)?;
            let inode = match directory.dentry.inode_ref().bind_on_host(name, kind, mode, owner)? {
                Some((inode, socket)) => {
                    host = Some(socket);
                    inode
                }
                None => directory.dentry.inode_ref().create(
                    name,
                    FileKind::Socket,
                    mode,
                    owner,
                    Device::default(),
                )?,
            };
            inherited.give(&inode).map(|()| inode)
        })?;
        Ok((path, host))
    }

    /// mknodat(2): `mode` holds type and permissions.
    ///
    /// # Errors
    /// `EPERM` for a directory and for devices without CAP_MKNOD, `EINVAL` for other types, and as [`Self::make_directory`].
    pub fn make_node(&self, at: &At<'_>, mode: u32, device: Device) -> Result<Path, Errno> {
        let kind = if mode & 0o170_000 == 0 {
            FileKind::Regular
        } else {
            FileKind::from_mode(mode).ok_or(Errno::EINVAL)?
        };
        match kind {
            FileKind::Directory => return Err(Errno::EPERM),
            FileKind::Symlink | FileKind::Anonymous => return Err(Errno::EINVAL),
            _ => {}
        }
        let whiteout = kind == FileKind::CharacterDevice && device == Device::default();
        let privileged = matches!(kind, FileKind::CharacterDevice | FileKind::BlockDevice) && !whiteout;
        self.make(at, kind, |directory, name, attributes| {
            // Only after all that is wrong with the name.
            if privileged {
                self.credentials.need(Capability::Mknod)?;
            }
            let (owner, mode, inherited) = new_file(self, directory, attributes, kind, mode & 0o7777)?;
            let inode = directory.dentry.inode_ref().create(name, kind, mode, owner, device)?;
            inherited.give(&inode).map(|()| inode)
        })
    }

    /// symlinkat(2).
    ///
    /// # Errors
    /// `ENOENT` for an empty target, and as [`Self::make_directory`].
    pub fn make_symlink(&self, target: &[u8], at: &At<'_>) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(Errno::ENOENT);
        }
        if target.len() >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        self.make(at, FileKind::Symlink, |directory, name, attributes| {
            let (owner, _) = ownership(self, directory, attributes, FileKind::Symlink, 0o777)?;
            directory.dentry.inode_ref().create_symlink(name, target, owner)
        })?;
        Ok(())
    }

    /// Makes a new name by what `maker` does in the directory (whose attributes it gets).
    fn make(
        &self,
        at: &At<'_>,
        kind: FileKind,
        maker: impl FnOnce(&Path, Name<'_>, &Attributes) -> Result<InodeRef, Errno>,
    ) -> Result<Path, Errno> {
        let parent = self.find_parent(at)?;
        let (change, name) = begin_make(&parent, kind == FileKind::Directory)?;
        change.may_create(self)?;
        let attributes = parent.directory.protection()?;
        let inode = maker(&parent.directory, name, &attributes);
        let dentry: Arc<Dentry> = change.made(name, inode)?;
        Ok(parent.directory.with(dentry))
    }
}

/// Locks the directory of a name that shall be made: it must be missing. A slash may follow the name of a directory only.
pub(super) fn begin_make<'a>(
    parent: &'a Parent<'_>,
    slash_allowed: bool,
) -> Result<(DirectoryChange<'a>, Name<'a>), Errno> {
    let Last::Name(name) = &parent.last else { return Err(Errno::EEXIST) };
    let name = name.name()?;
    let change = DirectoryChange::begin(&parent.directory);
    if change.find(name)?.is_some() {
        return Err(Errno::EEXIST);
    }
    if parent.slash && !slash_allowed {
        return Err(Errno::ENOENT);
    }
    parent.directory.mount.writable()?;
    Ok((change, name))
}

//! An inode as the VFS sees it.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use ninep::flags::REMOVE_DIRECTORY;
use ninep::message::Treadlink;
use vfs::filesystem::FileSystemRef;
use vfs::inode::LinkTarget;
use vfs::{
    Acl, AclKind, AttributeChange, Attributes, Credentials, Device, File, FileKind, Freshness, Inode,
    InodeRef, Name, OpenFlags, Owner, RenameFlags, StatusQuery, Usage,
};

use super::Node;
use super::names::ours;
use crate::file::{Directory, RegularFile};

/// `XATTR_CREATE`.
const CREATE: u32 = 1;
/// `XATTR_REPLACE`.
const REPLACE: u32 = 2;

impl Inode for Node {
    fn filesystem(&self) -> FileSystemRef {
        self.shared.filesystem()
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(self.last_known())
    }

    fn status(&self, query: &StatusQuery) -> Result<Attributes, Errno> {
        self.write_back()?;
        match query.freshness {
            Freshness::Usual => self.refreshed(),
            Freshness::Forced => self.asked(),
            Freshness::Known => Ok(self.last_known()),
        }
    }

    fn kind(&self) -> FileKind {
        self.kind
    }

    fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        self.change(change)
    }

    fn lookup(&self, name: Name<'_>) -> Result<InodeRef, Errno> {
        self.find(name.as_bytes()).map(|node| node as InodeRef)
    }

    fn create(
        &self,
        name: Name<'_>,
        kind: FileKind,
        mode: u32,
        owner: Owner,
        device: Device,
    ) -> Result<InodeRef, Errno> {
        self.make(name.as_bytes(), kind, mode, owner, device).map(|node| node as InodeRef)
    }

    fn create_and_open(
        &self,
        name: Name<'_>,
        mode: u32,
        owner: Owner,
        flags: OpenFlags,
        _: &Credentials,
    ) -> Result<(InodeRef, Arc<dyn File>), Errno> {
        let (node, fid, liked) = self.make_open(name.as_bytes(), mode, owner, flags)?;
        let file = RegularFile::new(&node, fid, liked, flags);
        Ok((node, file))
    }

    fn create_directory(&self, name: Name<'_>, mode: u32, owner: Owner) -> Result<InodeRef, Errno> {
        self.make_directory(name.as_bytes(), mode, owner).map(|node| node as InodeRef)
    }

    fn create_symlink(&self, name: Name<'_>, target: &[u8], owner: Owner) -> Result<InodeRef, Errno> {
        self.make_symlink(name.as_bytes(), target, owner).map(|node| node as InodeRef)
    }

    fn link(&self, name: Name<'_>, target: &InodeRef) -> Result<(), Errno> {
        self.link_to(name.as_bytes(), ours(target)?)
    }

    fn unlink(&self, name: Name<'_>) -> Result<(), Errno> {
        self.remove(name.as_bytes(), 0)
    }

    fn remove_directory(&self, name: Name<'_>) -> Result<(), Errno> {
        self.remove(name.as_bytes(), REMOVE_DIRECTORY)
    }

    fn rename(
        &self,
        name: Name<'_>,
        to: &InodeRef,
        new_name: Name<'_>,
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        self.move_name(name.as_bytes(), ours(to)?, new_name.as_bytes(), flags)
    }

    fn read_link(&self, _: &Credentials) -> Result<LinkTarget, Errno> {
        if self.kind != FileKind::Symlink {
            return Err(Errno::EINVAL);
        }
        let request = Treadlink { fid: self.fid()?.number() };
        self.shared.client.call(&request, |reply| LinkTarget::Path(reply.target.0.to_vec()))
    }

    fn open(self: Arc<Self>, flags: OpenFlags, _: &Credentials) -> Result<Arc<dyn File>, Errno> {
        match self.kind {
            FileKind::Regular => Ok(RegularFile::open(&self, flags)?),
            FileKind::Directory => Ok(Arc::new(Directory::open(&self, flags)?)),
            _ => Err(Errno::ENXIO),
        }
    }

    fn xattr(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        self.get_xattr(name)
    }

    fn set_xattr(&self, name: &[u8], value: &[u8], create: bool, replace: bool) -> Result<(), Errno> {
        let flags = if create { CREATE } else { 0 } | if replace { REPLACE } else { 0 };
        self.put_xattr(name, value, flags)
    }

    fn remove_xattr(&self, name: &[u8]) -> Result<(), Errno> {
        self.delete_xattr(name)
    }

    fn xattr_names(&self) -> Result<Vec<Vec<u8>>, Errno> {
        self.list_xattrs()
    }

    fn acl(&self, kind: AclKind) -> Option<Acl> {
        self.list(kind)
    }

    fn keeps_acls(&self) -> bool {
        self.shared.options.posix_acl
    }

    fn set_acl(&self, kind: AclKind, acl: Option<&Acl>) -> Result<(), Errno> {
        self.put_list(kind, acl)
    }

    fn usage(&self) -> Option<&Usage> {
        Some(&self.usage)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

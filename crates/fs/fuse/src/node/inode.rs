//! An inode as the VFS sees it.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use vfs::filesystem::FileSystemRef;
use vfs::inode::LinkTarget;
use vfs::{
    Access, Acl, AclKind, AttributeChange, Attributes, Credentials, Device, File, FileKind, Inode, InodeRef,
    Name, OpenFlags, Owner, RenameFlags, StatusQuery, Usage,
};

use super::Node;
use crate::file::{Directory, Handle, RegularFile};
use crate::wire::InitFlags;

impl Inode for Node {
    fn filesystem(&self) -> FileSystemRef {
        self.shared.filesystem()
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        self.good()?;
        Ok(self.last_known())
    }

    fn status(&self, query: &StatusQuery) -> Result<Attributes, Errno> {
        if !self.admits_current() {
            return Err(Errno::EACCES);
        }
        self.reported(query)
    }

    fn kind(&self) -> FileKind {
        self.kind
    }

    fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        self.change(change)
    }

    fn lookup(&self, name: Name<'_>) -> Result<InodeRef, Errno> {
        self.find(name.as_bytes()).map(Self::inode_of)
    }

    fn create(
        &self,
        name: Name<'_>,
        kind: FileKind,
        mode: u32,
        _: Owner,
        device: Device,
    ) -> Result<InodeRef, Errno> {
        self.make(name.as_bytes(), kind, mode, device).map(Self::inode_of)
    }

    fn create_and_open(
        &self,
        name: Name<'_>,
        mode: u32,
        _: Owner,
        flags: OpenFlags,
        _: &Credentials,
    ) -> Result<(InodeRef, Arc<dyn File>), Errno> {
        let (node, handle) = self.make_open(name.as_bytes(), mode, flags)?;
        Ok((Self::inode_of(node), Self::file_of(handle)))
    }

    fn create_directory(&self, name: Name<'_>, mode: u32, _: Owner) -> Result<InodeRef, Errno> {
        self.make_directory(name.as_bytes(), mode).map(Self::inode_of)
    }

    fn create_symlink(&self, name: Name<'_>, target: &[u8], _: Owner) -> Result<InodeRef, Errno> {
        self.make_symlink(name.as_bytes(), target).map(Self::inode_of)
    }

    fn create_unnamed(&self, mode: u32, _: Owner) -> Result<InodeRef, Errno> {
        let flags = OpenFlags::RDWR | OpenFlags::TMPFILE | OpenFlags::DIRECTORY;
        self.make_unnamed(mode, flags).map(Self::inode_of)
    }

    fn link(&self, name: Name<'_>, target: &InodeRef) -> Result<(), Errno> {
        self.add_link(name.as_bytes(), target)
    }

    fn unlink(&self, name: Name<'_>) -> Result<(), Errno> {
        self.remove(name.as_bytes(), false)
    }

    fn remove_directory(&self, name: Name<'_>) -> Result<(), Errno> {
        self.remove(name.as_bytes(), true)
    }

    fn rename(
        &self,
        name: Name<'_>,
        to: &InodeRef,
        new_name: Name<'_>,
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        self.move_name(name.as_bytes(), to, new_name.as_bytes(), flags)
    }

    fn read_link(&self, _: &Credentials) -> Result<LinkTarget, Errno> {
        self.good()?;
        if let Some(target) = &*self.target.lock() {
            return Ok(LinkTarget::Path(target.to_vec()));
        }
        let target = self.shared.connection.readlink(self.id)?;
        self.was_read();
        if self.shared.connection.has(InitFlags::CACHE_SYMLINKS) {
            *self.target.lock() = Some(Arc::from(target.as_slice()));
        }
        Ok(LinkTarget::Path(target))
    }

    fn open(self: Arc<Self>, flags: OpenFlags, _: &Credentials) -> Result<Arc<dyn File>, Errno> {
        self.good()?;
        if self.kind == FileKind::Directory {
            return Ok(Arc::new(Directory::new(Handle::open(&self, flags)?)));
        }
        let made = self.unopened.lock().take();
        let handle = match made {
            Some(open) => Handle::new(&self, flags, &open)?,
            None => Handle::open(&self, flags)?,
        };
        Ok(Arc::new(RegularFile::new(handle)))
    }

    fn xattr(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        self.get_xattr(name)
    }

    fn set_xattr(&self, name: &[u8], value: &[u8], create: bool, replace: bool) -> Result<(), Errno> {
        self.put_xattr(name, value, (create, replace))
    }

    fn remove_xattr(&self, name: &[u8]) -> Result<(), Errno> {
        self.delete_xattr(name)
    }

    fn xattr_names(&self) -> Result<Vec<Vec<u8>>, Errno> {
        self.list_xattrs()
    }

    fn acl(&self, kind: AclKind) -> Option<Acl> {
        // What it failed with was found out when the permission was asked for.
        if self.heeds_acls() { self.list(kind).ok().flatten() } else { None }
    }

    fn keeps_acls(&self) -> bool {
        !self.has_no_acls()
    }

    fn told_acl(&self, kind: AclKind) -> Result<Option<Acl>, Errno> {
        if self.has_no_acls() { Err(Errno::EOPNOTSUPP) } else { self.list(kind) }
    }

    fn set_acl(&self, kind: AclKind, acl: Option<&Acl>) -> Result<(), Errno> {
        self.put_list(kind, acl)
    }

    fn server_applies_acls(&self) -> bool {
        true
    }

    fn masked(&self, mode: u32, umask: u32) -> u32 {
        if self.shared.connection.has(InitFlags::DONT_MASK) { mode } else { mode & !umask }
    }

    fn server_sheds_privileges(&self) -> bool {
        self.shared.connection.sheds_privileges()
    }

    fn shed_set_ids(&self, mode: u32) -> Result<(), Errno> {
        self.shed(mode)
    }

    fn permission(
        &self,
        credentials: &Credentials,
        access: Access,
        asked: bool,
    ) -> Option<Result<(), Errno>> {
        self.decide(credentials, access, asked)
    }

    fn usage(&self) -> Option<&Usage> {
        Some(&self.usage)
    }

    fn lets_server_decide(&self) -> bool {
        !self.checks_modes()
    }

    fn cuts_itself(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

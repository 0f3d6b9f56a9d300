//! A node as the VFS sees it.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use vfs::filesystem::FileSystemRef;
use vfs::{
    Acl, AclKind, AttributeChange, Attributes, Credentials, Device, File, FileKind, Inode, InodeFlags,
    InodeRef, LinkTarget, Name, OpenFlags, Owner, RenameFlags, TimeChange, Timestamp,
};

use crate::directory_file::DirectoryFile;
use crate::file::RegularFile;
use crate::node::{Body, Node};
use crate::seals::Seals;

/// A day in seconds: how old an access time may be with `relatime`.
const DAY: i64 = 24 * 60 * 60;

/// The node of an inode of the same filesystem.
///
/// # Errors
/// `EXDEV` for others.
fn own<'a>(node: &Node, inode: &'a InodeRef) -> Result<&'a Node, Errno> {
    let other = inode.as_any().downcast_ref::<Node>().ok_or(Errno::EXDEV)?;
    if Arc::ptr_eq(&node.shared, &other.shared) { Ok(other) } else { Err(Errno::EXDEV) }
}

impl Inode for Node {
    fn filesystem(&self) -> FileSystemRef {
        self.shared.filesystem()
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        Ok(self.report())
    }

    fn kind(&self) -> FileKind {
        self.kind
    }

    fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        if *change == AttributeChange::default() {
            return Ok(());
        }
        let executable = |mode: u32| mode & 0o111;
        if let (Some(mode), Body::Regular(content)) = (change.mode, &self.body)
            && content.read().seals().contains(Seals::EXEC)
            && executable(mode) != executable(self.meta.lock().mode)
        {
            return Err(Errno::EPERM);
        }
        let now = Timestamp::now();
        let mut resized = false;
        if let Some(size) = change.size {
            let mut content = self.content()?.write();
            resized = content.size() != size;
            content.set_size(size)?;
        }
        let time = |change: TimeChange| match change {
            TimeChange::Now => now,
            TimeChange::To(at) => at,
        };
        let mut meta = self.meta.lock();
        if resized || change.size.is_some() {
            meta.modified = now;
        }
        meta.mode = change.mode.map_or(meta.mode, |mode| mode & 0o7777);
        meta.owner.uid = change.uid.unwrap_or(meta.owner.uid);
        meta.owner.gid = change.gid.unwrap_or(meta.owner.gid);
        meta.accessed = change.accessed.map_or(meta.accessed, time);
        meta.modified = change.modified.map_or(meta.modified, time);
        meta.changed = now;
        Ok(())
    }

    fn set_flags(&self, flags: InodeFlags) -> Result<(), Errno> {
        let mut meta = self.meta.lock();
        meta.flags = flags;
        meta.changed = Timestamp::now();
        Ok(())
    }

    fn lookup(&self, name: Name<'_>) -> Result<InodeRef, Errno> {
        let directory = self.directory()?.lock();
        directory.get(name.as_bytes()).map(|node| Arc::clone(node) as InodeRef).ok_or(Errno::ENOENT)
    }

    fn create(
        &self,
        name: Name<'_>,
        kind: FileKind,
        mode: u32,
        owner: Owner,
        device: Device,
    ) -> Result<InodeRef, Errno> {
        let body = match kind {
            FileKind::Regular => Body::regular(&self.shared, Seals::SEAL),
            FileKind::CharacterDevice | FileKind::BlockDevice | FileKind::Fifo | FileKind::Socket => {
                Body::Special
            }
            FileKind::Directory | FileKind::Symlink | FileKind::Anonymous => return Err(Errno::EINVAL),
        };
        let node = self.make_within(kind, body, mode, owner, device)?;
        Ok(self.add(name, node)?)
    }

    fn create_directory(&self, name: Name<'_>, mode: u32, owner: Owner) -> Result<InodeRef, Errno> {
        let names = parking_lot::Mutex::new(crate::directory::Directory::new(self.number));
        let body = Body::Directory(names);
        let node = self.make_within(FileKind::Directory, body, mode, owner, Device::default())?;
        Ok(self.add(name, node)?)
    }

    fn create_symlink(&self, name: Name<'_>, target: &[u8], owner: Owner) -> Result<InodeRef, Errno> {
        let body = Body::Symlink(Box::from(target));
        let node = self.make_within(FileKind::Symlink, body, 0o777, owner, Device::default())?;
        Ok(self.add(name, node)?)
    }

    fn create_unnamed(&self, mode: u32, owner: Owner) -> Result<InodeRef, Errno> {
        let body = Body::regular(&self.shared, Seals::SEAL);
        let node = self.make_within(FileKind::Regular, body, mode, owner, Device::default())?;
        node.meta.lock().links = 0;
        Ok(node)
    }

    fn link(&self, name: Name<'_>, target: &InodeRef) -> Result<(), Errno> {
        own(self, target)?;
        let node = Arc::clone(target) as Arc<dyn Any + Send + Sync>;
        let node = node.downcast::<Self>().map_err(|_| Errno::EXDEV)?;
        self.add_link(name, &node)
    }

    fn unlink(&self, name: Name<'_>) -> Result<(), Errno> {
        self.remove_file(name)
    }

    fn remove_directory(&self, name: Name<'_>) -> Result<(), Errno> {
        self.remove_empty(name)
    }

    fn rename(
        &self,
        name: Name<'_>,
        to: &InodeRef,
        new_name: Name<'_>,
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        self.move_name(name, own(self, to)?, new_name, flags)
    }

    fn read_link(&self, _credentials: &Credentials) -> Result<LinkTarget, Errno> {
        match &self.body {
            Body::Symlink(target) => Ok(LinkTarget::Path(target.to_vec())),
            _ => Err(Errno::EINVAL),
        }
    }

    fn open(self: Arc<Self>, flags: OpenFlags, _credentials: &Credentials) -> Result<Arc<dyn File>, Errno> {
        match &self.body {
            Body::Regular(_) => Ok(Arc::new(RegularFile::new(self, flags))),
            Body::Directory(_) => Ok(Arc::new(DirectoryFile::new(self))),
            Body::Symlink(_) | Body::Special => Err(Errno::ENXIO),
        }
    }

    fn xattr(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        self.meta.lock().xattrs.get(name)
    }

    fn set_xattr(&self, name: &[u8], value: &[u8], create: bool, replace: bool) -> Result<(), Errno> {
        let mut meta = self.meta.lock();
        meta.xattrs.set(name, value, create, replace)?;
        meta.changed = Timestamp::now();
        Ok(())
    }

    fn remove_xattr(&self, name: &[u8]) -> Result<(), Errno> {
        let mut meta = self.meta.lock();
        meta.xattrs.remove(name)?;
        meta.changed = Timestamp::now();
        Ok(())
    }

    fn acl(&self, kind: AclKind) -> Option<Acl> {
        self.meta.lock().xattrs.acl(kind)
    }

    fn keeps_acls(&self) -> bool {
        true
    }

    fn set_acl(&self, kind: AclKind, acl: Option<&Acl>) -> Result<(), Errno> {
        let mut meta = self.meta.lock();
        meta.xattrs.set_acl(kind, acl)?;
        meta.changed = Timestamp::now();
        Ok(())
    }

    fn xattr_names(&self) -> Result<Vec<Vec<u8>>, Errno> {
        Ok(self.meta.lock().xattrs.names())
    }

    fn accessed(&self, strict: bool) {
        let now = Timestamp::now();
        let mut meta = self.meta.lock();
        if meta.flags.contains(InodeFlags::NOATIME) {
            return;
        }
        let stale = meta.accessed <= meta.modified
            || meta.accessed <= meta.changed
            || now.seconds.saturating_sub(meta.accessed.seconds) >= DAY;
        if strict || stale {
            meta.accessed = now;
        }
    }

    fn usage(&self) -> Option<&vfs::Usage> {
        Some(&self.usage)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

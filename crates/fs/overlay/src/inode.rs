//! A node as the VFS sees it.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use vfs::filesystem::FileSystemRef;
use vfs::{
    Acl, AclKind, AttributeChange, Attributes, Credentials, Device, File, FileKind, Inode, InodeRef,
    LinkTarget, Name, OpenFlags, Owner, RenameFlags,
};

use crate::directory_file::DirectoryFile;
use crate::file::LowerFile;
use crate::node::{Layers, Node};

/// The node of an inode of the same overlay.
///
/// # Errors
/// `EXDEV` for others.
fn own(node: &Node, inode: &InodeRef) -> Result<Arc<Node>, Errno> {
    let inode = Arc::clone(inode) as Arc<dyn Any + Send + Sync>;
    let other = inode.downcast::<Node>().map_err(|_| Errno::EXDEV)?;
    if Arc::ptr_eq(&node.shared, &other.shared) { Ok(other) } else { Err(Errno::EXDEV) }
}

impl Inode for Node {
    fn filesystem(&self) -> FileSystemRef {
        self.shared.filesystem()
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        let layers = self.layers();
        let attributes = layers.top()?.attributes()?;
        let links = self.link_count(&layers, attributes.links);
        let blocks =
            layers.data.as_ref().map_or(Ok(attributes.blocks), |data| Ok(data.attributes()?.blocks))?;
        Ok(Attributes { inode: self.number, links, blocks, flags: None, ..attributes })
    }

    fn protection(&self) -> Result<Attributes, Errno> {
        let attributes = self.layers().top()?.protection()?;
        Ok(Attributes { inode: self.number, flags: None, ..attributes })
    }

    fn kind(&self) -> FileKind {
        self.kind
    }

    fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        let own = self.shared_reference()?;
        match change.size {
            Some(size) => own.copy_up_part(size)?.set_attributes(change),
            None => own.copy_up_attributes()?.set_attributes(change),
        }
    }

    fn lookup(&self, name: Name<'_>) -> Result<InodeRef, Errno> {
        Ok(self.shared_reference()?.child(name)?)
    }

    fn lookup_many(&self, names: &[Name<'_>]) -> Vec<Result<InodeRef, Errno>> {
        match self.shared_reference() {
            Ok(own) => {
                own.children(names).into_iter().map(|child| child.map(|child| child as InodeRef)).collect()
            }
            Err(error) => vec![Err(error)],
        }
    }

    fn create(
        &self,
        name: Name<'_>,
        kind: FileKind,
        mode: u32,
        owner: Owner,
        device: Device,
    ) -> Result<InodeRef, Errno> {
        if kind == FileKind::CharacterDevice && device == Device::default() {
            // It would be taken for a whiteout.
            return Err(Errno::EPERM);
        }
        let make = |directory: &dyn Inode, name: Name<'_>| directory.create(name, kind, mode, owner, device);
        Ok(self.shared_reference()?.make_child(name, make)?)
    }

    fn create_directory(&self, name: Name<'_>, mode: u32, owner: Owner) -> Result<InodeRef, Errno> {
        let make = |directory: &dyn Inode, name: Name<'_>| directory.create_directory(name, mode, owner);
        Ok(self.shared_reference()?.make_child(name, make)?)
    }

    fn create_symlink(&self, name: Name<'_>, target: &[u8], owner: Owner) -> Result<InodeRef, Errno> {
        let make = |directory: &dyn Inode, name: Name<'_>| directory.create_symlink(name, target, owner);
        Ok(self.shared_reference()?.make_child(name, make)?)
    }

    fn create_unnamed(&self, mode: u32, owner: Owner) -> Result<InodeRef, Errno> {
        let inode = self.shared.upper()?.work.create_unnamed(mode, owner)?;
        let number = self.shared.marks.upper_number(&inode)?;
        Ok(Self::of(&self.shared, number, FileKind::Regular, Layers::of_upper(inode), None))
    }

    fn link(&self, name: Name<'_>, target: &InodeRef) -> Result<(), Errno> {
        self.shared_reference()?.link_child(name, &own(self, target)?)
    }

    fn unlink(&self, name: Name<'_>) -> Result<(), Errno> {
        self.shared_reference()?.remove_child(name)
    }

    fn remove_directory(&self, name: Name<'_>) -> Result<(), Errno> {
        self.shared_reference()?.remove_empty_child(name)
    }

    fn rename(
        &self,
        name: Name<'_>,
        to: &InodeRef,
        new_name: Name<'_>,
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        self.shared_reference()?.rename_child(name, &own(self, to)?, new_name, flags)
    }

    fn read_link(&self, credentials: &Credentials) -> Result<LinkTarget, Errno> {
        self.top()?.read_link(credentials)
    }

    fn open(self: Arc<Self>, flags: OpenFlags, credentials: &Credentials) -> Result<Arc<dyn File>, Errno> {
        if self.kind == FileKind::Directory {
            return Ok(Arc::new(DirectoryFile::new(self)));
        }
        if self.kind != FileKind::Regular {
            return self.top()?.open(flags, credentials);
        }
        let upper = if flags.writes() { Some(self.copy_up()?) } else { self.whole_upper() };
        if let Some(upper) = upper {
            return upper.open(flags, &self.shared.kernel);
        }
        let lower = self.content()?.open(flags, &self.shared.kernel)?;
        Ok(Arc::new(LowerFile::new(self, flags, lower)))
    }

    fn opens_itself(&self) -> bool {
        self.top().is_ok_and(|top| top.opens_itself())
    }

    fn xattr(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        self.top()?.xattr(&self.shared.marks.inner_name(name))
    }

    fn set_xattr(&self, name: &[u8], value: &[u8], create: bool, replace: bool) -> Result<(), Errno> {
        let name = self.shared.marks.inner_name(name);
        self.shared_reference()?.copy_up_attributes()?.set_xattr(&name, value, create, replace)
    }

    fn remove_xattr(&self, name: &[u8]) -> Result<(), Errno> {
        let name = self.shared.marks.inner_name(name);
        // What is not there does not have to be copied to be removed.
        if self.upper().is_none() {
            self.top()?.xattr(&name)?;
        }
        self.shared_reference()?.copy_up_attributes()?.remove_xattr(&name)
    }

    fn acl(&self, kind: AclKind) -> Option<Acl> {
        self.top().ok()?.acl(kind)
    }

    fn keeps_acls(&self) -> bool {
        self.shared.upper().is_ok_and(|upper| upper.root.keeps_acls())
    }

    fn set_acl(&self, kind: AclKind, acl: Option<&Acl>) -> Result<(), Errno> {
        // What is not there does not have to be copied to be removed.
        if acl.is_none() && self.acl(kind).is_none() {
            return Ok(());
        }
        self.shared_reference()?.copy_up_attributes()?.set_acl(kind, acl)
    }

    fn xattr_names(&self) -> Result<Vec<Vec<u8>>, Errno> {
        let names = self.top()?.xattr_names()?;
        Ok(names.into_iter().filter_map(|name| self.shared.marks.shown_name(name)).collect())
    }

    fn accessed(&self, strict: bool) {
        if let Some(upper) = self.upper() {
            upper.accessed(strict);
        }
    }

    fn usage(&self) -> Option<&vfs::Usage> {
        Some(&self.usage)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

//! The directory of a group, and its files.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;
use kernel::control_group::{ControlGroups, Directory, GroupId, Writer};
use vfs::filesystem::FileSystemRef;
use vfs::inode::RenameFlags;
use vfs::{
    AttributeChange, Attributes, Credentials, Device, File, FileKind, Inode, InodeRef, Name, OpenFlags, Owner,
};

use crate::directory::OpenDirectory;
use crate::file::OpenRow;
use crate::filesystem::Groups;
use crate::rows::{self, Row, Subject};

/// Inode numbers of a group begin with its id times this.
const NUMBERS: u64 = 256;

/// See the module.
pub(crate) struct GroupInode {
    filesystem: Arc<Groups>,
    directory: Directory,
    /// The file; nothing for the directory.
    row: Option<&'static Row>,
}

impl GroupInode {
    pub(crate) const fn new(filesystem: Arc<Groups>, group: GroupId, row: Option<&'static Row>) -> Self {
        Self { filesystem, directory: Directory(group), row }
    }

    const fn group(&self) -> GroupId {
        self.directory.0
    }

    fn name(&self) -> &'static str {
        self.row.map_or("", |row| row.name)
    }

    fn groups(&self) -> &ControlGroups {
        &self.filesystem.kernel.control_groups
    }

    fn subject(&self) -> Subject {
        Subject { kernel: Arc::clone(&self.filesystem.kernel), group: self.group() }
    }
}

impl Drop for GroupInode {
    fn drop(&mut self) {
        self.filesystem.forget(self.group(), self.name());
    }
}

/// The inode number of a group's directory, or of one of its files.
pub(crate) const fn number(group: GroupId, row: Option<usize>) -> u64 {
    let file = match row {
        Some(index) => index as u64 + 1,
        None => 0,
    };
    group.0.wrapping_mul(NUMBERS).wrapping_add(file)
}

impl Inode for GroupInode {
    fn filesystem(&self) -> FileSystemRef {
        Arc::clone(&self.filesystem) as FileSystemRef
    }

    fn attributes(&self) -> Result<Attributes, Errno> {
        let mode = self.row.map_or(0o755, |row| row.mode);
        let attributes = self.groups().with(|tree| {
            tree.group(self.group()).map(|group| group.attributes(self.name(), self.kind(), mode))
        });
        let inode = number(self.group(), self.row.and_then(rows::index));
        // One that is gone has no links.
        Ok(attributes.map(|known| Attributes { inode, ..known }).unwrap_or(Attributes {
            inode,
            kind: self.kind(),
            mode,
            links: 0,
            owner: Owner::default(),
            device: Device::default(),
            size: 0,
            blocks: 0,
            block_size: 4096,
            accessed: vfs::Timestamp::default(),
            modified: vfs::Timestamp::default(),
            changed: vfs::Timestamp::default(),
            born: None,
            flags: None,
        }))
    }

    fn kind(&self) -> FileKind {
        if self.row.is_some() { FileKind::Regular } else { FileKind::Directory }
    }

    fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        // Opening for writing truncates, which these files take without effect, as Linux's do.
        let change = AttributeChange { size: None, ..*change };
        let mut attributes = self.attributes()?;
        if change == AttributeChange::default() {
            return Ok(());
        }
        change.apply(&mut attributes);
        self.groups()
            .with(|tree| tree.living_mut(self.group()).map(|group| group.keep(self.name(), &attributes)))
    }

    fn lookup(&self, name: Name<'_>) -> Result<InodeRef, Errno> {
        let subject = self.subject();
        if let Some(row) = subject.row(name.as_bytes()) {
            return Ok(self.filesystem.inode(self.group(), Some(row)));
        }
        let child = self.groups().with(|tree| {
            let group = tree.living(self.group()).map_err(|_| Errno::ENOENT)?;
            group.children.get(name.as_bytes()).copied().ok_or(Errno::ENOENT)
        })?;
        Ok(self.filesystem.inode(child, None))
    }

    fn create(&self, _: Name<'_>, kind: FileKind, _: u32, _: Owner, _: Device) -> Result<InodeRef, Errno> {
        Err(if kind == FileKind::Regular { Errno::EACCES } else { Errno::EPERM })
    }

    fn create_directory(&self, name: Name<'_>, mode: u32, owner: Owner) -> Result<InodeRef, Errno> {
        let child = self.groups().with(|tree| {
            let child = tree.make(self.group(), name.as_bytes(), owner)?;
            if let Some(group) = tree.group_mut(child) {
                let attributes = group.attributes("", FileKind::Directory, mode & 0o1777);
                group.keep("", &attributes);
            }
            Ok::<_, Errno>(child)
        })?;
        Ok(self.filesystem.inode(child, None))
    }

    fn remove_directory(&self, name: Name<'_>) -> Result<(), Errno> {
        if self.subject().row(name.as_bytes()).is_some() {
            return Err(Errno::ENOTDIR);
        }
        self.groups().with(|tree| tree.remove(self.group(), name.as_bytes()))
    }

    /// Groups of the first version alone can be renamed, where they are.
    fn rename(
        &self,
        name: Name<'_>,
        to: &InodeRef,
        new_name: Name<'_>,
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        if !self.filesystem.is_first_version() {
            return Err(Errno::EPERM);
        }
        if self.subject().row(name.as_bytes()).is_some() {
            return Err(Errno::ENOTDIR);
        }
        let here = to.as_any().downcast_ref::<Directory>().is_some_and(|other| other.0 == self.group());
        if !here {
            return Err(Errno::EIO);
        }
        if !flags.is_empty() {
            return Err(Errno::EINVAL);
        }
        if self.subject().row(new_name.as_bytes()).is_some() {
            return Err(Errno::EEXIST);
        }
        self.groups().with(|tree| tree.rename(self.group(), name.as_bytes(), new_name.as_bytes()))
    }

    fn open(self: Arc<Self>, _: OpenFlags, credentials: &Credentials) -> Result<Arc<dyn File>, Errno> {
        let subject = self.subject();
        self.groups().with(|tree| tree.living(self.group()).map(drop))?;
        let Some(row) = self.row else {
            return Ok(Arc::new(OpenDirectory::new(subject)));
        };
        // A file that the kernel itself opens, before any program runs, is opened from the container's own group.
        let root = kernel::current::task().map_or(self.group(), |task| task.control_root());
        let writer = Writer { credentials: Arc::new(credentials.clone()), root };
        Ok(Arc::new(OpenRow::new(subject, row, writer)))
    }

    /// For clone3(2), which takes a directory's descriptor.
    fn as_any(&self) -> &dyn Any {
        match self.row {
            None => &self.directory,
            Some(_) => self,
        }
    }
}

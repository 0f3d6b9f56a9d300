//! open(2), openat2(2), creat(2).

use std::sync::Arc;

use abi::Errno;

use super::directory_change::{DirectoryChange, ownership};
use super::open_how::OpenHow;
use super::open_path::PathOnly;
use crate::caller::{At, Caller, Found};
use crate::dentry::Dentry;
use crate::mount_flags::MountFlags;
use crate::path::Path;
use crate::resolve::{Lookup, Resolve};
use crate::walk::{Last, Walk};
use crate::{Access, AttributeChange, Attributes, File, FileKind, Name, OpenFile, OpenFlags};

/// Tries to create and, when another was faster, to open.
const RACES_MAX: u32 = 16;

impl Caller<'_> {
    /// openat2(2) and its relatives. A FIFO or terminal may have to be waited for before the call returns: that is the caller's.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn open(&self, at: &At<'_>, how: &OpenHow) -> Result<Arc<OpenFile>, Errno> {
        let flags = how.flags;
        if flags.contains(OpenFlags::TMPFILE) {
            return self.open_unnamed(at, how);
        }
        if flags.contains(OpenFlags::CREAT) {
            return self.open_or_create(at, how);
        }
        let mut lookup = Lookup::empty();
        lookup.set(Lookup::FOLLOW, !flags.contains(OpenFlags::NOFOLLOW));
        let path = if flags.contains(OpenFlags::PATH) {
            how.resolve.difference(Resolve::NO_SYMLINKS)
        } else {
            how.resolve
        };
        let keep_link = lookup.is_empty() && flags.contains(OpenFlags::PATH);
        let found = self.resolve(at, lookup, if keep_link { path } else { how.resolve })?;
        self.open_found(found, flags)
    }

    /// Opens what was found already: for execve(2), and for the kernel itself.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_found(&self, found: Found, flags: OpenFlags) -> Result<Arc<OpenFile>, Errno> {
        match found {
            Found::Path(path) => self.open_path(path, flags),
            Found::File(file) if flags.contains(OpenFlags::PATH) => {
                // A place for it does not exist: the same file, which then can do nothing.
                let _ = file;
                Err(Errno::ENXIO)
            }
            Found::File(file) => {
                if flags.contains(OpenFlags::DIRECTORY) {
                    return Err(Errno::ENOTDIR);
                }
                self.credentials.check(&file.attributes()?, wanted(flags))?;
                let reopened = file.file.reopen(flags, self.credentials)?;
                Ok(OpenFile::new(reopened, None, flags, Arc::clone(self.credentials)))
            }
        }
    }

    fn open_path(&self, path: Path, flags: OpenFlags) -> Result<Arc<OpenFile>, Errno> {
        let kind = path.dentry.inode_ref().kind();
        if flags.contains(OpenFlags::DIRECTORY) && kind != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        if flags.contains(OpenFlags::PATH) {
            return Ok(OpenFile::new(Arc::new(PathOnly), Some(path), flags, Arc::clone(self.credentials)));
        }
        let attributes = path.attributes()?;
        self.may_open(&path, &attributes, flags)?;
        if flags.contains(OpenFlags::TRUNC) && kind == FileKind::Regular {
            self.truncate_opened(&path, &attributes)?;
        }
        let file = self.open_inode(&path, &attributes, flags)?;
        Ok(OpenFile::new(file, Some(path), flags, Arc::clone(self.credentials)))
    }

    /// What the type and permissions of an existing file say to opening it.
    fn may_open(&self, path: &Path, attributes: &Attributes, flags: OpenFlags) -> Result<(), Errno> {
        let access = wanted(flags);
        let mount = path.mount.flags();
        match attributes.kind {
            FileKind::Symlink => return Err(Errno::ELOOP),
            FileKind::Directory if access.contains(Access::WRITE) || flags.contains(OpenFlags::CREAT) => {
                return Err(Errno::EISDIR);
            }
            FileKind::CharacterDevice | FileKind::BlockDevice if mount.contains(MountFlags::NODEV) => {
                return Err(Errno::EACCES);
            }
            FileKind::Regular | FileKind::Directory if access.contains(Access::WRITE) => {
                path.mount.writable()?
            }
            _ => {}
        }
        self.credentials.check(attributes, access)?;
        if flags.contains(OpenFlags::NOATIME) && !self.credentials.owns(attributes) {
            return Err(Errno::EPERM);
        }
        Ok(())
    }

    fn truncate_opened(&self, path: &Path, attributes: &Attributes) -> Result<(), Errno> {
        let change =
            AttributeChange { size: Some(0), mode: self.mode_after_write(attributes), ..Default::default() };
        path.dentry.inode_ref().set_attributes(&change)
    }

    fn open_inode(
        &self,
        path: &Path,
        attributes: &Attributes,
        flags: OpenFlags,
    ) -> Result<Arc<dyn File>, Errno> {
        let inode = path.inode();
        match attributes.kind {
            FileKind::Regular | FileKind::Directory => inode.open(flags, self.credentials),
            _ if inode.opens_itself() => inode.open(flags, self.credentials),
            FileKind::Socket => Err(Errno::ENXIO),
            _ => self.special.open(&inode, attributes, flags, self.credentials, self.task),
        }
    }

    fn open_or_create(&self, at: &At<'_>, how: &OpenHow) -> Result<Arc<OpenFile>, Errno> {
        let flags = how.flags;
        let mut races = 0;
        let mut walk = Walk::start(self, at, how.resolve)?;
        loop {
            let (last, slash) = walk.reach_last()?;
            let name = match last {
                Last::Name(name) => name,
                Last::Here => return self.open_arrived(walk, flags),
                Last::Dot | Last::DotDot => return Err(Errno::EISDIR),
            };
            if slash {
                return Err(Errno::EISDIR);
            }
            let existing = loop {
                if let Some(existing) = walk.child(&name)? {
                    break existing;
                }
                match self.create(&walk.at, &name, how) {
                    Err(Errno::EEXIST) if !flags.contains(OpenFlags::EXCL) && races < RACES_MAX => races += 1,
                    result => return result,
                }
            };
            if flags.contains(OpenFlags::EXCL) {
                return Err(Errno::EEXIST);
            }
            if existing.dentry.inode_ref().kind() != FileKind::Symlink {
                return self.open_path(existing, flags);
            }
            if flags.contains(OpenFlags::NOFOLLOW) {
                return Err(Errno::ELOOP);
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

    fn create(&self, directory: &Path, name: &[u8], how: &OpenHow) -> Result<Arc<OpenFile>, Errno> {
        let name = Name::new(name)?;
        let change = DirectoryChange::begin(directory);
        if change.find(name)?.is_some() {
            return Err(Errno::EEXIST);
        }
        directory.mount.writable()?;
        change.may_create(self)?;
        let attributes = directory.attributes()?;
        let (owner, mode) = ownership(self, &attributes, FileKind::Regular, how.mode & !self.umask);
        let flags = how.flags;
        let made = directory.dentry.inode_ref().create_and_open(name, mode, owner, flags, self.credentials);
        let (inode, file) = match made {
            Ok((inode, file)) => (Ok(inode), Some(file)),
            Err(error) => (Err(error), None),
        };
        let dentry = change.made(name, inode)?;
        drop(change);
        let file = file.ok_or(Errno::EIO)?;
        Ok(OpenFile::new(file, Some(directory.with(dentry)), flags, Arc::clone(self.credentials)))
    }

    fn open_unnamed(&self, at: &At<'_>, how: &OpenHow) -> Result<Arc<OpenFile>, Errno> {
        let mut lookup = Lookup::empty();
        lookup.set(Lookup::FOLLOW, !how.flags.contains(OpenFlags::NOFOLLOW));
        let directory = self.resolve(at, lookup, how.resolve)?.path_or(Errno::ENOTDIR)?;
        if directory.dentry.inode_ref().kind() != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        directory.mount.writable()?;
        let attributes = directory.attributes()?;
        self.credentials.check(&attributes, Access::WRITE | Access::EXECUTE)?;
        let (owner, mode) = ownership(self, &attributes, FileKind::Regular, how.mode & !self.umask);
        let inode = directory.dentry.inode_ref().create_unnamed(mode, owner)?;
        let label = format!("#{}", inode.attributes()?.inode);
        let linkable = !how.flags.contains(OpenFlags::EXCL);
        let dentry = Dentry::unnamed(&directory.dentry, Arc::clone(&inode), label.as_bytes(), linkable);
        let file = inode.open(how.flags, self.credentials)?;
        Ok(OpenFile::new(file, Some(directory.with(dentry)), how.flags, Arc::clone(self.credentials)))
    }
}

/// What the access mode asks for: mode 3 asks for both and gives neither; cutting a file is writing.
fn wanted(flags: OpenFlags) -> Access {
    let mut access = match flags.bits() & 3 {
        0 => Access::READ,
        1 => Access::WRITE,
        _ => Access::READ | Access::WRITE,
    };
    if flags.contains(OpenFlags::TRUNC) {
        access |= Access::WRITE;
    }
    access
}

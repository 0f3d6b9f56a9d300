//! open(2), openat2(2), creat(2).

use std::sync::Arc;

use abi::Errno;
use abi::inotify::WatchBits;

use super::open_how::OpenHow;
use crate::caller::{At, Caller, Found};
use crate::mount_flags::MountFlags;
use crate::path::Path;
use crate::resolve::{Lookup, Resolve};
use crate::usage::{InUse, may_change};
use crate::{Access, AttributeChange, Attributes, File, FileKind, OpenFile, OpenFlags};

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

    pub(super) fn open_path(&self, path: Path, flags: OpenFlags) -> Result<Arc<OpenFile>, Errno> {
        let kind = path.dentry.inode_ref().kind();
        if flags.contains(OpenFlags::DIRECTORY) && kind != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        if flags.contains(OpenFlags::PATH) {
            return Ok(OpenFile::of_place(path, flags, self.credentials));
        }
        let attributes = path.protection()?;
        self.may_open(&path, &attributes, flags)?;
        let in_use = InUse::start(path.dentry.inode_ref(), flags)?;
        let cuts = flags.contains(OpenFlags::TRUNC) && kind == FileKind::Regular;
        if cuts && in_use.as_ref().is_some_and(|_| !flags.writes()) {
            may_change(path.dentry.inode_ref())?;
        }
        if cuts && !path.dentry.inode_ref().cuts_itself() {
            self.truncate_opened(&path, &attributes)?;
        }
        let file = self.open_inode(&path, &attributes, flags)?;
        let dentry = Arc::clone(&path.dentry);
        let open = OpenFile::opened(file, Some(path), flags, Arc::clone(self.credentials), in_use);
        if cuts {
            crate::notify::file(&dentry, WatchBits::MODIFY);
        }
        Ok(open)
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
            FileKind::CharacterDevice | FileKind::BlockDevice
                if mount.contains(MountFlags::NODEV) || !path.mount.superblock().user().is_initial() =>
            {
                return Err(Errno::EACCES);
            }
            FileKind::Regular | FileKind::Directory if access.contains(Access::WRITE) => {
                path.mount.writable()?
            }
            _ => {}
        }
        path.check(self.credentials, attributes, access)?;
        if flags.contains(OpenFlags::TRUNC) || flags.writes() && !flags.contains(OpenFlags::APPEND) {
            attributes.is_rewritable()?;
        }
        if flags.contains(OpenFlags::NOATIME) && !self.credentials.owns(attributes) {
            return Err(Errno::EPERM);
        }
        Ok(())
    }

    fn truncate_opened(&self, path: &Path, attributes: &Attributes) -> Result<(), Errno> {
        let change =
            AttributeChange { size: Some(0), mode: self.mode_after_write(attributes), ..Default::default() };
        path.set_attributes(&change)
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

//! On whose behalf a path is walked, and from where.

use std::any::Any;
use std::sync::Arc;

use abi::Errno;

use crate::mount_ids::MountIds;
use crate::mount_namespace::MountNamespace;
use crate::path::Path;
use crate::special::SpecialFiles;
use crate::{Access, AttributeChange, Attributes, Credentials, Fd, FdTable, InodeRef, OpenFile, StatusQuery};

/// What the file system calls need to know of the task that makes one. All operations on paths are its methods:
/// `caller.make_directory(&At::new(dirfd, &path), mode)`.
pub struct Caller<'a> {
    /// The root directory (chroot(2)).
    pub root: &'a Path,
    /// The working directory.
    pub working_directory: &'a Path,
    /// Who it is.
    pub credentials: &'a Arc<Credentials>,
    /// umask(2): bits that new files do not get.
    pub umask: u32,
    /// Its descriptors, for the `dirfd` of the *at calls.
    pub files: &'a FdTable,
    /// Opens devices and FIFOs.
    pub special: &'a dyn SpecialFiles,
    /// Its mounts.
    pub namespace: &'a Arc<MountNamespace>,
    /// The kernel's task, handed through to [`SpecialFiles::open`].
    pub task: Option<&'a dyn Any>,
}

/// Where a path starts if it is relative.
#[derive(Clone, Copy)]
pub enum Base<'a> {
    /// At the working directory (`AT_FDCWD`).
    WorkingDirectory,
    /// At the directory that is open here.
    Descriptor(Fd),
    /// Here.
    Place(&'a Path),
}

/// The pair of arguments `dirfd` and `pathname` that the *at calls have.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// Where a relative path starts.
    pub base: Base<'a>,
    /// The path, without its NUL.
    pub path: &'a [u8],
}

impl<'a> At<'a> {
    /// `AT_FDCWD`.
    pub const FDCWD: i32 = -100;

    /// A path relative to the directory open at `directory`, or to the working directory if that is `AT_FDCWD`.
    #[must_use]
    pub const fn new(directory: Fd, path: &'a [u8]) -> Self {
        let base =
            if directory.0 == Self::FDCWD { Base::WorkingDirectory } else { Base::Descriptor(directory) };
        Self { base, path }
    }

    /// A path relative to the working directory.
    #[must_use]
    pub const fn here(path: &'a [u8]) -> Self {
        Self { base: Base::WorkingDirectory, path }
    }

    /// A path relative to a place.
    #[must_use]
    pub const fn from(place: &'a Path, path: &'a [u8]) -> Self {
        Self { base: Base::Place(place), path }
    }
}

/// What a path led to.
#[derive(Clone)]
pub enum Found {
    /// A place in the tree.
    Path(Path),
    /// An open file without a place, through its descriptor or a link in /proc/PID/fd: a pipe, a socket.
    File(Arc<OpenFile>),
}

impl Found {
    /// What an open file refers to.
    #[must_use]
    pub fn of(file: Arc<OpenFile>) -> Self {
        match &file.path {
            Some(path) => Self::Path(path.clone()),
            None => Self::File(file),
        }
    }

    /// What is known of it, for checks.
    ///
    /// # Errors
    /// As the inode or file says.
    pub fn attributes(&self) -> Result<Attributes, Errno> {
        match self {
            Self::Path(path) => path.attributes(),
            Self::File(file) => file.attributes(),
        }
    }

    /// As [`crate::Inode::protection`].
    pub(crate) fn protection(&self) -> Result<Attributes, Errno> {
        match self {
            Self::Path(path) => path.protection(),
            Self::File(file) => file.inode().map_or_else(|| file.attributes(), |inode| inode.protection()),
        }
    }

    /// The same as stat(2) reports it.
    ///
    /// # Errors
    /// As the inode or file says.
    pub fn status(&self, query: &StatusQuery) -> Result<Attributes, Errno> {
        match self {
            Self::Path(path) => path.status(query),
            Self::File(file) => file.inode().map_or_else(|| file.attributes(), |inode| inode.status(query)),
        }
    }

    /// Changes attributes; the caller has checked that it may.
    ///
    /// # Errors
    /// `EPERM` if they cannot be changed.
    pub(crate) fn set_attributes(&self, change: &AttributeChange) -> Result<(), Errno> {
        match self {
            Self::Path(path) => path.set_attributes(change),
            Self::File(file) => match file.inode() {
                Some(inode) => inode.set_attributes(change),
                None => file.file.set_attributes(change),
            },
        }?;
        if let Some(dentry) = self.dentry() {
            crate::notify::changed(dentry, change);
        }
        Ok(())
    }

    /// The name through which it was found, or opened.
    pub(crate) fn dentry(&self) -> Option<&crate::Dentry> {
        match self {
            Self::Path(path) => Some(&path.dentry),
            Self::File(file) => file.path.as_ref().map(|path| &*path.dentry),
        }
    }

    /// The inode, if there is one.
    #[must_use]
    pub fn inode(&self) -> Option<InodeRef> {
        match self {
            Self::Path(path) => Some(path.inode()),
            Self::File(file) => file.inode(),
        }
    }

    /// What the mount that it is seen through makes of owners, if that is idmapped.
    pub(crate) fn ids(&self) -> Option<&Arc<MountIds>> {
        match self {
            Self::Path(path) => path.mount.ids(),
            Self::File(_) => None,
        }
    }

    /// Nothing if credentials give an access to it.
    ///
    /// # Errors
    /// `EACCES`.
    pub fn check(
        &self,
        credentials: &Credentials,
        attributes: &Attributes,
        access: Access,
    ) -> Result<(), Errno> {
        match (self, self.inode()) {
            (Self::Path(path), _) => path.check(credentials, attributes, access),
            (_, Some(inode)) => credentials.check_inode(&inode, attributes, access),
            (_, None) => credentials.check(attributes, access),
        }
    }

    /// The place.
    ///
    /// # Errors
    /// `error` if it has none.
    pub fn path_or(self, error: Errno) -> Result<Path, Errno> {
        match self {
            Self::Path(path) => Ok(path),
            Self::File(_) => Err(error),
        }
    }

    /// Nothing if the mount that it is seen through may be written.
    ///
    /// # Errors
    /// `EROFS`.
    pub fn writable(&self) -> Result<(), Errno> {
        match self {
            Self::Path(path) => path.mount.writable(),
            Self::File(_) => Ok(()),
        }
    }
}

impl Caller<'_> {
    /// The same caller with other credentials, as access(2) needs them.
    #[must_use]
    pub fn with_credentials<'b>(&'b self, credentials: &'b Arc<Credentials>) -> Caller<'b> {
        Caller { credentials, ..*self }
    }

    /// Where a relative path starts.
    ///
    /// # Errors
    /// `EBADF`.
    pub(crate) fn base(&self, base: Base<'_>) -> Result<Found, Errno> {
        match base {
            Base::WorkingDirectory => Ok(Found::Path(self.working_directory.clone())),
            Base::Place(place) => Ok(Found::Path(place.clone())),
            Base::Descriptor(fd) => self.files.get(fd).map(Found::of),
        }
    }

    /// Whether the caller may access an inode so.
    ///
    /// # Errors
    /// `EACCES`.
    pub(crate) fn may(&self, path: &Path, access: Access) -> Result<(), Errno> {
        let searches =
            access == Access::EXECUTE && path.dentry.inode_ref().kind() == crate::FileKind::Directory;
        let inode = path.dentry.inode_ref();
        if let Some(decided) = inode.permission(self.credentials, access, false) {
            return decided;
        }
        if searches && self.searches_all() {
            return Ok(());
        }
        path.check(self.credentials, &path.protection()?, access)
    }

    /// Whether the caller's capabilities let it search every directory: then nobody needs to ask for its mode.
    fn searches_all(&self) -> bool {
        use crate::Capability::{DacOverride, DacReadSearch};
        self.credentials.has(DacOverride) || self.credentials.has(DacReadSearch)
    }
}

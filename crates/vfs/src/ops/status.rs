//! stat(2), statx(2), statfs(2), readlink(2).

use abi::Errno;

use crate::caller::{At, Caller, Found};
use crate::filesystem::FileSystemStatistics;
use crate::inode::LinkTarget;
use crate::mount_flags::MountFlags;
use crate::resolve::Lookup;
use crate::{Attributes, Device, FileKind, StatusQuery};

/// What stat(2) and statx(2) report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Of the inode.
    pub attributes: Attributes,
    /// Of its filesystem: `st_dev`.
    pub device: Device,
    /// `stx_mnt_id`; zero without a mount.
    pub mount: u64,
    /// `STATX_ATTR_MOUNT_ROOT`.
    pub mount_root: bool,
}

impl Status {
    /// Of what a path led to.
    ///
    /// # Errors
    /// As the inode says.
    pub fn of(found: &Found, query: &StatusQuery) -> Result<Self, Errno> {
        let attributes = found.status(query)?;
        let device = match found {
            Found::Path(path) => path.mount.superblock().filesystem().device(),
            Found::File(file) => file.inode().map_or_else(|| file.file.device(), |i| i.filesystem().device()),
        };
        let (mount, mount_root) = match found {
            Found::Path(path) => (path.mount.id, path.is_mount_root()),
            Found::File(_) => (0, false),
        };
        Ok(Self { attributes, device, mount, mount_root })
    }
}

impl Caller<'_> {
    /// stat(2), lstat(2), fstatat(2), and fstat(2) by an empty path.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn status(&self, at: &At<'_>, lookup: Lookup) -> Result<Status, Errno> {
        self.status_for(at, lookup, &StatusQuery::default())
    }

    /// statx(2).
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn status_for(&self, at: &At<'_>, lookup: Lookup, query: &StatusQuery) -> Result<Status, Errno> {
        Status::of(&self.find(at, lookup)?, query)
    }

    /// readlinkat(2): the text of a symbolic link, of the link itself if it is open (`O_PATH | O_NOFOLLOW`) and the path empty.
    ///
    /// # Errors
    /// `EINVAL` if it is no symbolic link.
    pub fn read_link(&self, at: &At<'_>) -> Result<Vec<u8>, Errno> {
        let lookup = if at.path.is_empty() { Lookup::EMPTY } else { Lookup::empty() };
        let path = self.find(at, lookup)?.path_or(Errno::EINVAL)?;
        if path.dentry.inode_ref().kind() != FileKind::Symlink {
            return Err(if at.path.is_empty() { Errno::ENOENT } else { Errno::EINVAL });
        }
        match path.dentry.inode_ref().read_link(self.credentials)? {
            LinkTarget::Path(text) => Ok(text),
            LinkTarget::Place(place) => Ok(crate::path_name::name_of(&place, self.root)),
            LinkTarget::Opened(file) => Ok(match &file.path {
                Some(place) => crate::path_name::name_of(place, self.root),
                None => file.file.description().into_bytes(),
            }),
        }
    }

    /// statfs(2): with the flags of the mount.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn filesystem_status(
        &self,
        at: &At<'_>,
        lookup: Lookup,
    ) -> Result<(FileSystemStatistics, MountFlags, Device), Errno> {
        let found = self.find(at, lookup)?;
        let filesystem = found.inode().ok_or(Errno::ENOSYS)?.filesystem();
        let flags = match &found {
            Found::Path(path) => {
                let mut flags = path.mount.flags();
                flags.set(MountFlags::RDONLY, path.mount.is_read_only());
                flags
            }
            Found::File(_) => MountFlags::empty(),
        };
        Ok((filesystem.statistics()?, flags, filesystem.device()))
    }
}

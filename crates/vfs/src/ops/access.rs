//! access(2), chdir(2), and what execve(2) asks.

use std::sync::Arc;

use abi::Errno;

use crate::caller::{At, Caller, Found};
use crate::mount_flags::MountFlags;
use crate::path::Path;
use crate::resolve::{AtFlags, Lookup};
use crate::{Access, Attributes, CapabilitySet, Credentials, FileKind};

impl Caller<'_> {
    /// faccessat2(2): with the real ids unless `AT_EACCESS`.
    ///
    /// # Errors
    /// `EACCES`, `EROFS`, and as [`Self::find`].
    pub fn check_access(&self, at: &At<'_>, access: Access, flags: AtFlags) -> Result<(), Errno> {
        if flags.contains(AtFlags::REMOVEDIR) {
            return self.check_as_is(at, access, flags);
        }
        let real = Arc::new(real_ids(self.credentials));
        self.with_credentials(&real).check_as_is(at, access, flags)
    }

    fn check_as_is(&self, at: &At<'_>, access: Access, flags: AtFlags) -> Result<(), Errno> {
        let found = self.find(at, flags.lookup())?;
        let attributes = found.attributes()?;
        if access.is_empty() {
            return Ok(());
        }
        if let Found::Path(path) = &found {
            if let Some(decided) = path.dentry.inode_ref().permission(self.credentials, access, true) {
                decided?;
            }
            let regular = attributes.kind == FileKind::Regular;
            if regular && access.contains(Access::EXECUTE) && path.mount.flags().contains(MountFlags::NOEXEC)
            {
                return Err(Errno::EACCES);
            }
        }
        found.check(self.credentials, &attributes, access)?;
        let stored = matches!(attributes.kind, FileKind::Regular | FileKind::Directory | FileKind::Symlink);
        if stored && access.contains(Access::WRITE) { found.writable() } else { Ok(()) }
    }

    /// A directory that may become the working or root directory (chdir(2), chroot(2) without its capability check).
    ///
    /// # Errors
    /// `ENOTDIR`, `EACCES`, and as [`Self::find`].
    pub fn find_directory(&self, at: &At<'_>) -> Result<Path, Errno> {
        let path = self.find_path(at, Lookup::FOLLOW)?;
        self.may_enter(&path)?;
        Ok(path)
    }

    /// Nothing if a place may become the working or root directory: for fchdir(2) too.
    ///
    /// # Errors
    /// `ENOTDIR`, `EACCES`.
    pub fn may_enter(&self, path: &Path) -> Result<(), Errno> {
        if path.dentry.inode_ref().kind() != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        match path.dentry.inode_ref().permission(self.credentials, Access::EXECUTE, true) {
            Some(decided) => decided,
            None => self.may(path, Access::EXECUTE),
        }
    }

    /// A file that may be executed.
    ///
    /// # Errors
    /// `EACCES` unless it is a regular file with an execute bit for the caller on a mount without `noexec`; `ELOOP` for a link that
    /// was not to be followed.
    pub fn find_executable(&self, at: &At<'_>, lookup: Lookup) -> Result<(Path, Attributes), Errno> {
        let path = self.find(at, lookup)?.path_or(Errno::EACCES)?;
        let attributes = path.attributes()?;
        match attributes.kind {
            FileKind::Regular => {}
            FileKind::Symlink => return Err(Errno::ELOOP),
            _ => return Err(Errno::EACCES),
        }
        if path.mount.flags().contains(MountFlags::NOEXEC) {
            return Err(Errno::EACCES);
        }
        path.check(self.credentials, &attributes, Access::EXECUTE)?;
        Ok((path, attributes))
    }
}

/// The credentials that access(2) checks: the real ids, and for root the permitted capabilities.
fn real_ids(credentials: &Credentials) -> Credentials {
    const NO_SETUID_FIXUP: u32 = 1 << 2;
    let mut real = credentials.clone();
    real.fsuid = credentials.uid;
    real.fsgid = credentials.gid;
    if credentials.securebits & NO_SETUID_FIXUP == 0 {
        real.effective =
            if credentials.is_root(credentials.uid) { credentials.permitted } else { CapabilitySet::EMPTY };
    }
    real
}

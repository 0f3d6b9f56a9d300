//! name_to_handle_at(2), open_by_handle_at(2).

use abi::Errno;

use crate::Capability;
use crate::caller::{At, Base, Caller, Found};
use crate::file_handle::FileHandle;
use crate::path::Path;
use crate::resolve::Lookup;

impl Caller<'_> {
    /// The handle of what a path leads to, and the place.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if its filesystem gives none, and those of the path.
    pub fn handle_of(&self, at: &At<'_>, lookup: Lookup) -> Result<(FileHandle, Path), Errno> {
        let path = self.find(at, lookup)?.path_or(Errno::EOPNOTSUPP)?;
        let handle = path.mount.superblock().handle(&path.dentry)?;
        Ok((handle, path))
    }

    /// The file of a handle, in the filesystem that something open lies in.
    ///
    /// # Errors
    /// `EBADF`, `EPERM` without CAP_DAC_READ_SEARCH, `ESTALE`.
    pub fn find_by_handle(&self, base: Base<'_>, handle: &FileHandle) -> Result<Found, Errno> {
        let place = self.base(base)?.path_or(Errno::ESTALE)?;
        self.credentials.need(Capability::DacReadSearch)?;
        let dentry = place.mount.superblock().by_handle(handle)?;
        Ok(Found::Path(place.with(dentry)))
    }
}

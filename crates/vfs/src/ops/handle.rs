//! name_to_handle_at(2), open_by_handle_at(2).

use abi::Errno;

use crate::Capability;
use crate::caller::{At, Base, Caller, Found};
use crate::file_handle::HANDLE_SIZE;
use crate::path::Path;
use crate::resolve::Lookup;

impl Caller<'_> {
    /// The handle of what a path leads to, and the place.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if its filesystem gives none, and those of the path.
    pub fn handle_of(&self, at: &At<'_>, lookup: Lookup) -> Result<([u8; HANDLE_SIZE], Path), Errno> {
        let path = self.find(at, lookup)?.path_or(Errno::EOPNOTSUPP)?;
        let handle = path.mount.superblock().handle(&path.dentry)?;
        Ok((handle, path))
    }

    /// The file of a handle, in the filesystem that something open lies in.
    ///
    /// # Errors
    /// `EBADF`, `EPERM` without CAP_DAC_READ_SEARCH, `ESTALE`.
    pub fn find_by_handle(&self, base: Base<'_>, kind: i32, handle: &[u8]) -> Result<Found, Errno> {
        let place = self.base(base)?.path_or(Errno::ESTALE)?;
        self.credentials.need(Capability::DacReadSearch)?;
        let dentry = place.mount.superblock().by_handle(kind, handle)?;
        Ok(Found::Path(place.with(dentry)))
    }
}

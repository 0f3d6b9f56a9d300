//! Files of memfd_create(2): tmpfs files without a name.

use std::sync::Arc;

use abi::Errno;
use vfs::{File, Owner};

use crate::file::RegularFile;
use crate::filesystem::Tmpfs;
use crate::seals::Seals;

/// A new memfd in `filesystem`, which nobody needs to have mounted. Without `sealable` (`MFD_ALLOW_SEALING`) it is sealed against
/// seals; without `executable` (`MFD_NOEXEC_SEAL`) it has no execute bits and never gets any.
///
/// # Errors
/// `ENOSPC`.
pub fn memfd(
    filesystem: &Tmpfs,
    name: &[u8],
    owner: Owner,
    sealable: bool,
    executable: bool,
) -> Result<Arc<dyn File>, Errno> {
    let mut seals = if sealable { Seals::empty() } else { Seals::SEAL };
    if !executable {
        // MFD_NOEXEC_SEAL allows sealing by itself.
        seals = Seals::EXEC;
    }
    let mode = if executable { 0o777 } else { 0o666 };
    let node = filesystem.unnamed(mode, owner, seals)?;
    Ok(Arc::new(RegularFile::memfd(node, name.to_vec(), true)))
}

/// fcntl(2) `F_GET_SEALS`.
///
/// # Errors
/// `EINVAL` for a file that has no seals.
pub fn seals(file: &dyn File) -> Result<Seals, Errno> {
    let file = file.as_any().downcast_ref::<RegularFile>().ok_or(Errno::EINVAL)?;
    Ok(file.node.content()?.read().seals())
}

/// fcntl(2) `F_ADD_SEALS`. The caller has checked that the descriptor is open for writing (`EPERM`).
///
/// # Errors
/// `EINVAL` for a file that has no seals or unknown ones, `EPERM` if it is sealed against it, `EBUSY`.
pub fn add_seals(file: &dyn File, seals: u32) -> Result<(), Errno> {
    let file = file.as_any().downcast_ref::<RegularFile>().ok_or(Errno::EINVAL)?;
    let seals = Seals::from_bits(seals).ok_or(Errno::EINVAL)?;
    file.node.content()?.write().add_seals(seals)
}

//! The marks that the layers carry: whiteouts, opaque directories, and where a copy came from.

use abi::Errno;
use vfs::{Device, FileKind, Inode, InodeRef, Name, Owner, RenameFlags};

use crate::filesystem::{Shared, Upper};

/// Extended attributes with this prefix are the overlay's own, and not shown.
const PREFIX: &[u8] = b"trusted.overlay.";
const OPAQUE: &[u8] = b"trusted.overlay.opaque";
const ORIGIN: &[u8] = b"trusted.overlay.origin";

/// The bits of an inode number that say which layer it is from; upper files have all of them.
const LAYER_SHIFT: u32 = 56;
const UPPER_LAYER: u64 = 0x7f;

/// Whether an extended attribute is the overlay's own.
pub(crate) fn is_private(name: &[u8]) -> bool {
    name.starts_with(PREFIX)
}

/// Whether the file says that the name is removed.
pub(crate) fn is_whiteout(inode: &InodeRef) -> Result<bool, Errno> {
    let device = inode.kind() == FileKind::CharacterDevice;
    Ok(device && inode.attributes()?.device == Device::default())
}

/// Whether a directory hides those of the layers below it.
pub(crate) fn is_opaque(directory: &InodeRef) -> bool {
    directory.xattr(OPAQUE).is_ok_and(|value| value == b"y")
}

pub(crate) fn set_opaque(directory: &InodeRef) -> Result<(), Errno> {
    directory.set_xattr(OPAQUE, b"y", false, false)
}

/// The inode number that a file of a lower layer is shown with.
pub(crate) fn lower_number(layer: usize, inode: u64) -> u64 {
    let layer = u64::try_from(layer).unwrap_or(0) % UPPER_LAYER;
    inode ^ (layer << LAYER_SHIFT)
}

/// The inode number that a file of the upper layer is shown with: that of the lower file that it is a copy of, if it is one.
pub(crate) fn upper_number(inode: &InodeRef) -> Result<u64, Errno> {
    if let Some(number) = origin(inode) {
        return Ok(number);
    }
    Ok(inode.attributes()?.inode ^ (UPPER_LAYER << LAYER_SHIFT))
}

/// The number that a copy keeps from its origin.
pub(crate) fn origin(inode: &InodeRef) -> Option<u64> {
    let value = inode.xattr(ORIGIN).ok()?;
    value.as_slice().try_into().ok().map(u64::from_le_bytes)
}

pub(crate) fn set_origin(inode: &InodeRef, number: u64) -> Result<(), Errno> {
    inode.set_xattr(ORIGIN, &number.to_le_bytes(), false, false)
}

impl Upper {
    /// Makes something in the work directory by `make`, and moves it to a name that is free or covered with a whiteout.
    pub(crate) fn install(
        &self,
        shared: &Shared,
        directory: &InodeRef,
        name: Name<'_>,
        make: impl FnOnce(&dyn Inode, Name<'_>) -> Result<InodeRef, Errno>,
    ) -> Result<InodeRef, Errno> {
        let temporary = shared.temporary_name();
        let temporary = Name::new(&temporary)?;
        let inode = make(self.work.as_ref(), temporary)?;
        let is_directory = inode.kind() == FileKind::Directory;
        let moved = self.move_in(temporary, directory, name, is_directory);
        if moved.is_err() {
            // Nothing of what failed shall stay; that it cannot be removed either changes nothing.
            let _ = if is_directory {
                self.work.remove_directory(temporary)
            } else {
                self.work.unlink(temporary)
            };
        }
        moved.map(|()| inode)
    }

    fn move_in(
        &self,
        temporary: Name<'_>,
        directory: &InodeRef,
        name: Name<'_>,
        is_directory: bool,
    ) -> Result<(), Errno> {
        if is_directory && directory.lookup(name).is_ok() {
            // A directory cannot replace a whiteout: the two change places.
            self.work.rename(temporary, directory, name, RenameFlags::EXCHANGE)?;
            return self.work.unlink(temporary);
        }
        self.work.rename(temporary, directory, name, RenameFlags::empty())
    }

    /// Covers a name, which a file of the upper layer may have.
    pub(crate) fn cover(&self, shared: &Shared, directory: &InodeRef, name: Name<'_>) -> Result<(), Errno> {
        let make = |work: &dyn Inode, temporary: Name<'_>| {
            work.create(temporary, FileKind::CharacterDevice, 0, Owner::default(), Device::default())
        };
        self.install(shared, directory, name, make).map(drop)
    }

    /// Covers a name that an empty directory of the upper layer has.
    pub(crate) fn cover_directory(
        &self,
        shared: &Shared,
        directory: &InodeRef,
        name: Name<'_>,
    ) -> Result<(), Errno> {
        let temporary = shared.temporary_name();
        let temporary = Name::new(&temporary)?;
        let owner = Owner::default();
        self.work.create(temporary, FileKind::CharacterDevice, 0, owner, Device::default())?;
        let exchanged = self.work.rename(temporary, directory, name, RenameFlags::EXCHANGE);
        if exchanged.is_err() {
            let _ = self.work.unlink(temporary);
            return exchanged;
        }
        let old = self.work.lookup(temporary)?;
        self.clear(&old)?;
        self.work.remove_directory(temporary)
    }

    /// Takes the whiteouts out of a directory that shows as empty.
    pub(crate) fn clear(&self, directory: &InodeRef) -> Result<(), Errno> {
        for entry in crate::listing::entries(directory)? {
            let name = Name::new(&entry.name)?;
            if is_whiteout(&directory.lookup(name)?)? {
                directory.unlink(name)?;
            }
        }
        Ok(())
    }
}

/// The upper file at a name, if there is one; a whiteout is returned as such.
pub(crate) fn find(directory: &InodeRef, name: Name<'_>) -> Result<Option<InodeRef>, Errno> {
    match directory.lookup(name) {
        Ok(inode) => Ok(Some(inode)),
        Err(Errno::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

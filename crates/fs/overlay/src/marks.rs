//! The marks that the layers carry: whiteouts, opaque directories, and where a copy came from.

use std::borrow::Cow;

use abi::Errno;
use vfs::{Device, FileKind, Inode, InodeRef, Name, Owner, RenameFlags};

use crate::filesystem::{Shared, Upper};

/// Which extended attributes hold the marks. They are the overlay's own, and not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marks {
    /// `trusted.overlay.*`.
    #[default]
    Trusted,
    /// `user.overlay.*` (`userxattr`), which somebody without privileges can set.
    User,
}

/// The bits of an inode number that say which layer it is from; upper files have all of them.
const LAYER_SHIFT: u32 = 56;
const UPPER_LAYER: u64 = 0x7f;

/// Whether the file says that the name is removed.
pub(crate) fn is_whiteout(inode: &InodeRef) -> Result<bool, Errno> {
    let device = inode.kind() == FileKind::CharacterDevice;
    Ok(device && inode.attributes()?.device == Device::default())
}

/// What the marks of an overlay that has this one as its layer have behind the prefix.
const NESTED: &[u8] = b"overlay.";

impl Marks {
    const fn prefix(self) -> &'static [u8] {
        match self {
            Self::Trusted => b"trusted.overlay.",
            Self::User => b"user.overlay.",
        }
    }

    fn name(self, mark: &str) -> Vec<u8> {
        [self.prefix(), mark.as_bytes()].concat()
    }

    /// Whether an extended attribute is the overlay's own.
    pub(crate) fn is_private(self, name: &[u8]) -> bool {
        name.starts_with(self.prefix())
    }

    /// What an extended attribute that somebody uses is called in the layers: the names of marks are those of an overlay that has this one
    /// as its layer.
    pub(crate) fn inner_name(self, name: &[u8]) -> Cow<'_, [u8]> {
        match name.strip_prefix(self.prefix()) {
            Some(mark) => Cow::Owned([self.prefix(), NESTED, mark].concat()),
            None => Cow::Borrowed(name),
        }
    }

    /// What an extended attribute of the layers is shown as, if it is.
    pub(crate) fn shown_name(self, name: Vec<u8>) -> Option<Vec<u8>> {
        match name.strip_prefix(self.prefix()) {
            Some(mark) => mark.strip_prefix(NESTED).map(|mark| [self.prefix(), mark].concat()),
            None => Some(name),
        }
    }

    /// Whether a directory hides those of the layers below it.
    pub(crate) fn is_opaque(self, directory: &InodeRef) -> bool {
        directory.xattr(&self.name("opaque")).is_ok_and(|value| value == b"y")
    }

    pub(crate) fn set_opaque(self, directory: &InodeRef) -> Result<(), Errno> {
        directory.set_xattr(&self.name("opaque"), b"y", false, false)
    }

    /// Where the part of a directory that the layers below have lies, if not under its name.
    pub(crate) fn redirect(self, directory: &InodeRef) -> Option<Vec<u8>> {
        directory.xattr(&self.name("redirect")).ok()
    }

    pub(crate) fn set_redirect(self, directory: &InodeRef, value: &[u8]) -> Result<(), Errno> {
        directory.set_xattr(&self.name("redirect"), value, false, false)
    }

    /// Whether a regular file of a layer has everything but its content. Such a file is nothing but a hole, which is seen before its marks are
    /// looked for.
    pub(crate) fn lacks_content(self, file: &InodeRef) -> Result<bool, Errno> {
        if file.kind() != FileKind::Regular {
            return Ok(false);
        }
        let attributes = file.attributes()?;
        Ok(attributes.size > 0 && attributes.blocks == 0 && file.xattr(&self.name("metacopy")).is_ok())
    }

    pub(crate) fn set_metacopy(self, file: &InodeRef) -> Result<(), Errno> {
        file.set_xattr(&self.name("metacopy"), b"", false, false)
    }

    pub(crate) fn remove_metacopy(self, file: &InodeRef) -> Result<(), Errno> {
        file.remove_xattr(&self.name("metacopy"))
    }

    /// How many names a copy has that the index knows: those that are seen.
    pub(crate) fn links(self, copy: &InodeRef) -> Option<u64> {
        let value = copy.xattr(&self.name("nlink")).ok()?;
        value.as_slice().try_into().ok().map(u64::from_le_bytes)
    }

    pub(crate) fn set_links(self, copy: &InodeRef, links: u64) -> Result<(), Errno> {
        copy.set_xattr(&self.name("nlink"), &links.to_le_bytes(), false, false)
    }

    /// The inode number that a file of the upper layer is shown with: that of the lower file that it is a copy of, if it is one.
    pub(crate) fn upper_number(self, inode: &InodeRef) -> Result<u64, Errno> {
        if let Some(number) = self.origin(inode) {
            return Ok(number);
        }
        Ok(inode.attributes()?.inode ^ (UPPER_LAYER << LAYER_SHIFT))
    }

    /// The number that a copy keeps from its origin.
    fn origin(self, inode: &InodeRef) -> Option<u64> {
        let value = inode.xattr(&self.name("origin")).ok()?;
        value.as_slice().try_into().ok().map(u64::from_le_bytes)
    }

    /// Without it, which not every filesystem can keep on every file, the copy has a number of its own.
    pub(crate) fn set_origin(self, inode: &InodeRef, number: u64) -> Result<(), Errno> {
        match inode.set_xattr(&self.name("origin"), &number.to_le_bytes(), false, false) {
            Err(Errno::EPERM | Errno::EOPNOTSUPP) => Ok(()),
            other => other,
        }
    }
}

/// The inode number that a file of a lower layer is shown with.
pub(crate) fn lower_number(layer: usize, inode: u64) -> u64 {
    let layer = u64::try_from(layer).unwrap_or(0) % UPPER_LAYER;
    inode ^ (layer << LAYER_SHIFT)
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

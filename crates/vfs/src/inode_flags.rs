//! What an inode forbids everybody: ioctl_iflags(2).

use abi::Errno;

use crate::{Access, Attributes, Caller, Capability, Found};

bitflags::bitflags! {
    /// Flags of an inode, with the numbers of `FS_IOC_GETFLAGS`. Not all filesystems keep them.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct InodeFlags: u32 {
        /// Nobody changes it, links to it or takes its names away.
        const IMMUTABLE = 0x10;
        /// It only grows.
        const APPEND = 0x20;
        /// Backups leave it out.
        const NODUMP = 0x40;
        /// Its access time stays.
        const NOATIME = 0x80;
    }
}

impl InodeFlags {
    /// What takes `CAP_LINUX_IMMUTABLE` to change.
    pub const FIXED: Self = Self::IMMUTABLE.union(Self::APPEND);
    /// What new files have from their directory.
    pub const INHERITED: Self = Self::NODUMP.union(Self::NOATIME);
}

impl Attributes {
    /// Whether it has one of these flags.
    #[must_use]
    pub fn has_flag(&self, flags: InodeFlags) -> bool {
        self.flags.is_some_and(|has| has.intersects(flags))
    }

    /// Nothing if the flags let somebody write to it, if that is what is wanted.
    pub(crate) fn allows(&self, access: Access) -> Result<(), Errno> {
        let forbidden = access.contains(Access::WRITE) && self.has_flag(InodeFlags::IMMUTABLE);
        if forbidden { Err(Errno::EPERM) } else { Ok(()) }
    }

    /// Nothing if the inode itself may be changed, and its names.
    pub(crate) fn is_loose(&self) -> Result<(), Errno> {
        if self.has_flag(InodeFlags::FIXED) { Err(Errno::EPERM) } else { Ok(()) }
    }

    /// Nothing if it may become shorter, or other in what it has.
    pub(crate) fn is_rewritable(&self) -> Result<(), Errno> {
        if self.has_flag(InodeFlags::APPEND) { Err(Errno::EPERM) } else { Ok(()) }
    }
}

impl Caller<'_> {
    /// `FS_IOC_SETFLAGS`.
    ///
    /// # Errors
    /// `ENOTTY` where none are kept, `EROFS`, `EPERM` unless owner, and to set or clear [`InodeFlags::FIXED`] without `CAP_LINUX_IMMUTABLE`; `EOPNOTSUPP` for
    /// flags that are not kept there.
    pub fn set_inode_flags(&self, target: &Found, flags: u32) -> Result<(), Errno> {
        target.writable()?;
        let attributes = target.attributes()?;
        let before = attributes.flags.ok_or(Errno::ENOTTY)?;
        let inode = target.inode().ok_or(Errno::ENOTTY)?;
        if !self.credentials.owns(&attributes) {
            return Err(Errno::EPERM);
        }
        let changes = InodeFlags::from_bits_retain(flags).symmetric_difference(before);
        if changes.intersects(InodeFlags::FIXED) {
            self.credentials.need(Capability::LinuxImmutable)?;
        }
        inode.set_flags(InodeFlags::from_bits(flags).ok_or(Errno::EOPNOTSUPP)?)
    }
}

//! What goes over /dev/fuse: structures, numbers and flags, each declared once.

mod flags;
mod opcode;
mod structures;
#[cfg(test)]
mod tests;

pub use flags::{FileFlags, InitFlags, NotifyCode, SetattrValid};
pub use opcode::Opcode;
pub use structures::*;

/// Major version of the protocol.
pub const MAJOR: u32 = 7;
/// Minor version that this side speaks.
pub const MINOR: u32 = 45;
/// The oldest minor version of servers that are understood: since then all structures have the sizes that they have now.
pub const MINOR_OLDEST: u32 = 12;
/// The number of the root directory.
pub const ROOT: u64 = 1;
/// The smallest buffer that a server may read with.
pub const MIN_READ_BUFFER: usize = 8192;
/// The longest name that a server may tell.
pub const NAME_MAX: usize = 1024;
/// The bit that tells an interrupt's id from that of its request; ids of requests leave it out.
pub const INTERRUPT_BIT: u64 = 1;
/// The bit in the id of a request that was read before and comes again.
pub const RESENT_BIT: u64 = 1 << 63;
/// `FUSE_DEV_IOC_CLONE`: `_IOR(229, 0, uint32_t)`.
pub const DEV_IOC_CLONE: u32 = 0x8004_e500;
/// `FUSE_DEV_IOC_BACKING_OPEN`: `_IOW(229, 1, struct fuse_backing_map)`.
pub const DEV_IOC_BACKING_OPEN: u32 = 0x4010_e501;
/// `FUSE_DEV_IOC_BACKING_CLOSE`: `_IOW(229, 2, uint32_t)`.
pub const DEV_IOC_BACKING_CLOSE: u32 = 0x4004_e502;
/// `st_rdev` of /dev/fuse: major.
pub const DEVICE_MAJOR: u32 = 10;
/// `st_rdev` of /dev/fuse: minor.
pub const DEVICE_MINOR: u32 = 229;
/// `FUSE_SUPER_MAGIC`.
pub const MAGIC: u64 = 0x6573_5546;
/// `FUSE_CTL_SUPER_MAGIC`.
pub const CONTROL_MAGIC: u64 = 0x6573_5543;
/// The first bytes of `fuse_setxattr_in`, which are all that servers get who did not ask for more.
pub const SETXATTR_SHORT: usize = 8;

/// The bytes of a header-aligned record of this length: entries of directories lie at multiples of eight bytes.
#[must_use]
pub const fn padded(length: usize) -> usize {
    length.saturating_add(7) & !7
}
